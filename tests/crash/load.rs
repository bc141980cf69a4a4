//! Customers and carriers at work: each rents, brings messages, repeats some and cancels now and then, until no answer comes.

use std::path::PathBuf;
use std::sync::Mutex;

use ringback::carrier::simulate::Draft;
use ringback::clock::Clock;
use serde_json::json;

use super::books::{Books, Cancel, Rented, Sent};
use super::dice::Dice;
use super::process::Gateway;

pub struct Load<'a> {
    pub gateway: &'a Gateway,
    pub books: &'a Mutex<Books>,
    /// Whose length tells what was on the disk when an answer came.
    pub journal: Option<PathBuf>,
    /// Rentals that one customer makes at most.
    pub rentals_max: usize,
    /// Some messages are long: this many bytes at most.
    pub text_bytes_max: u64,
}

impl Load<'_> {
    fn position(&self) -> u64 {
        self.journal
            .as_ref()
            .map_or(0, |path| std::fs::metadata(path).unwrap().len())
    }

    /// One customer; ends when the gateway no longer answers.
    pub async fn customer(&self, mut dice: Dice) -> Option<()> {
        for n in 0..self.rentals_max {
            let place = self.rent().await?;
            for _ in 0..1 + dice.below(2) {
                self.message(place, &mut dice).await?;
            }
            if n % 4 == 3 {
                let place = self.rent().await?;
                self.cancel(place).await?;
            }
        }
        Some(())
    }

    /// The place of the new rental in the books.
    async fn rent(&self) -> Option<usize> {
        self.books.lock().unwrap().rents_unanswered += 1;
        let (status, made) = self
            .gateway
            .post("/api/verifications", json!({ "serviceName": "google" }))
            .await?;
        let answered = self.position();
        assert_eq!(status, 201, "{made}");
        let mut books = self.books.lock().unwrap();
        books.rents_unanswered -= 1;
        books.rentals.push(Rented {
            id: made["id"].as_str().unwrap().parse().unwrap(),
            number: made["number"].as_str().unwrap().to_owned(),
            answered,
            sent: Vec::new(),
            cancel: Cancel::default(),
        });
        Some(books.rentals.len() - 1)
    }

    async fn message(&self, place: usize, dice: &mut Dice) -> Option<()> {
        let code = format!("{:06}", dice.below(1_000_000));
        let mut text = format!("G-{code} is your Google verification code.");
        if self.text_bytes_max > 0 && dice.one_in(3) {
            let bytes = dice.below(self.text_bytes_max) as usize;
            text.extend("\nread on and on".chars().cycle().take(bytes));
        }
        let draft = Draft {
            id: format!("sms-{:016x}", dice.next()),
            from: "Google".into(),
            to: self.books.lock().unwrap().rentals[place].number.clone(),
            text,
            sent_at: Clock::System.now(),
        };
        let sent = Sent {
            draft: draft.clone(),
            code,
            answered: None,
        };
        let at = {
            let sent_before = &mut self.books.lock().unwrap().rentals[place].sent;
            sent_before.push(sent);
            sent_before.len() - 1
        };
        self.bring(&draft).await?;
        self.books.lock().unwrap().rentals[place].sent[at].answered = Some(self.position());
        if dice.one_in(3) {
            self.bring(&draft).await?;
        }
        Some(())
    }

    async fn bring(&self, draft: &Draft) -> Option<()> {
        let status = self.gateway.message(draft).await?;
        assert!((200..300).contains(&status), "a carrier heard {status}");
        Some(())
    }

    async fn cancel(&self, place: usize) -> Option<()> {
        let id = {
            let rental = &mut self.books.lock().unwrap().rentals[place];
            rental.cancel.asked = true;
            rental.id
        };
        let (status, answer) = self
            .gateway
            .post(&format!("/api/verifications/{id}/cancel"), json!({}))
            .await?;
        assert_eq!(status, 200, "{answer}");
        self.books.lock().unwrap().rentals[place].cancel.answered = Some(self.position());
        Some(())
    }
}
