//! What TextVerified answers, member by member, and what its words mean here.

use serde::Deserialize;

use crate::core::rental::Status;
use crate::core::time::UnixMs;
use crate::supplier::question::{self, Answer, Refusal, read_json};
use crate::supplier::{Page, word};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BearerToken {
    pub token: String,
    /// Seconds.
    pub expires_in: f64,
}

#[derive(Deserialize)]
pub struct Link {
    pub href: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Verification {
    pub number: String,
    pub state: String,
    pub total_cost: f64,
    pub ends_at: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Compact {
    pub id: String,
    pub service_name: String,
    pub state: String,
    pub created_at: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sms {
    pub id: String,
    pub from: Option<String>,
    pub created_at: String,
    pub sms_content: Option<String>,
    pub parsed_code: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Paginated<T> {
    pub data: Vec<T>,
    pub has_next: bool,
    pub links: Links,
}

#[derive(Deserialize)]
pub struct Links {
    pub next: Option<Link>,
}

#[derive(Deserialize)]
pub struct Snapshot {
    pub price: f64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Service {
    pub service_name: String,
    pub capability: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    pub error_code: Option<String>,
    pub error_description: Option<String>,
}

/// The query of the page behind this one. It is led nowhere else: the token goes with it.
pub fn page<T: serde::de::DeserializeOwned, U>(
    answer: &Answer,
    read: impl Fn(T) -> Result<U, Refusal>,
) -> Result<Page<U>, Refusal> {
    question::refused(answer).map_or(Ok(()), Err)?;
    let Paginated {
        data,
        has_next,
        links,
    } = read_json(answer)?;
    let href = links.next.and_then(|link| link.href).filter(|_| has_next);
    let next = href
        .as_deref()
        .and_then(|href| href.find('?').map(|at| href[at..].to_owned()));
    let items = data.into_iter().map(read).collect::<Result<_, _>>()?;
    Ok(Page { items, next })
}

/// A reported one is over without a code, a reused one had its code, a reactivated one waits again.
pub fn status(state: &str) -> Result<Status, Refusal> {
    match state {
        "verificationPending" | "verificationReactivated" => Ok(Status::Active),
        "verificationCompleted" | "verificationReused" => Ok(Status::Completed),
        "verificationCanceled" | "verificationRefunded" | "verificationReported" => Ok(Status::Cancelled),
        "verificationTimedOut" => Ok(Status::Expired),
        _ => Err(Refusal::Unsound("its state is none of a verification")),
    }
}

pub fn time(text: &str) -> Result<UnixMs, Refusal> {
    UnixMs::parse_rfc3339(text).ok_or(Refusal::Unsound("its time is none"))
}

/// As for all suppliers, and the words of a 400.
pub fn refused(answer: &Answer) -> Option<Refusal> {
    if answer.status != 400 {
        return question::refused(answer);
    }
    let Ok(Problem {
        error_code,
        error_description,
    }) = read_json(answer)
    else {
        return Some(Refusal::NotOffered("it gave no reason".into()));
    };
    let code = error_code.unwrap_or_default();
    let description = error_description.unwrap_or_default();
    // The code counts before the sentence: "Your balance is fine, but there are no numbers" is about numbers.
    let known = |text: &str| {
        let text: String = text.chars().filter(char::is_ascii_alphabetic).collect();
        let text = text.to_ascii_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
        if says(&["unfinished", "toomanyverifications", "toomanypending"]) {
            Some(Refusal::TooManyOpen)
        } else if says(&["balance", "credit", "insufficientfunds"]) {
            Some(Refusal::NoBalance)
        } else if says(&["maxprice", "price"]) {
            Some(Refusal::TooDear)
        } else if says(&["nonumber", "outofstock", "unavailable", "notavailable"]) {
            Some(Refusal::NoNumbers)
        } else {
            None
        }
    };
    let told = known(&code).or_else(|| known(&description));
    Some(told.unwrap_or_else(|| Refusal::NotOffered(word(&code))))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::supplier::tests::answer;

    #[test]
    fn states_are_ours() {
        let of = |state: &str| status(&format!("verification{state}"));
        assert_eq!(of("Pending"), Ok(Status::Active));
        assert_eq!(of("Reactivated"), Ok(Status::Active));
        assert_eq!(of("Completed"), Ok(Status::Completed));
        assert_eq!(of("Reused"), Ok(Status::Completed));
        assert_eq!(
            (of("Canceled"), of("Refunded")),
            (Ok(Status::Cancelled), Ok(Status::Cancelled))
        );
        assert_eq!(of("Reported"), Ok(Status::Cancelled));
        assert_eq!(of("TimedOut"), Ok(Status::Expired));
        assert!(status("renewableActive").is_err());
    }

    #[test]
    fn the_words_of_a_400_are_understood() {
        let refused = |code: &str, description: &str| {
            let body = json!({ "errorCode": code, "errorDescription": description }).to_string();
            refused(&answer(400, &body)).unwrap()
        };
        assert_eq!(refused("InsufficientBalance", "x"), Refusal::NoBalance);
        assert_eq!(refused("NotEnoughCredits", ""), Refusal::NoBalance);
        assert_eq!(
            refused("TooManyUnfinishedVerifications", ""),
            Refusal::TooManyOpen
        );
        assert_eq!(refused("OutOfStock", "x"), Refusal::NoNumbers);
        assert_eq!(
            refused("Error", "There are no numbers; your balance is kept."),
            Refusal::NoBalance
        );
        assert_eq!(refused("NoNumbers", "Your balance is kept."), Refusal::NoNumbers);
        assert_eq!(refused("PriceExceeded", ""), Refusal::TooDear);
        assert_eq!(refused("BadOption", "x"), Refusal::NotOffered("BadOption".into()));
        assert_eq!(
            super::refused(&answer(429, "")),
            Some(Refusal::TooMany { after_s: None })
        );
        assert_eq!(super::refused(&answer(401, "")), Some(Refusal::Unauthorized));
        assert_eq!(super::refused(&answer(201, "")), None);
    }
}
