//! Long messages that come in parts: each part is kept and looked at as it comes, the whole once it is complete, and what waited too
//! long is delivered as it is. One message tells one code, whichever of its parts it stood in.

use super::draft::{Count, Draft};
use super::{Error, Gateway};
use crate::core::id::{MessageId, SetId};
use crate::core::ingest::{Arrival, StoredMessage, Telling};
use crate::core::message::{Concat, Message};
use crate::core::multipart::{self, Added, Arrived, Owner, PartOf, Set};
use crate::core::otp::Extraction;
use crate::core::rental::MessageRef;
use crate::store::{Commit, Committed, Novelty, SetChange};

/// How many sets one sweep ends.
const SWEEP_MAX: usize = 100;

impl Gateway {
    /// Delivers parts as they are where the rest did not come in time; says how many sets ended.
    pub async fn sweep_parts(&self) -> Result<usize, Error> {
        let now = self.parts.clock.now();
        let mut ended = 0;
        for set in self.parts.store.live().parts_over(now, SWEEP_MAX) {
            let mut draft = Draft::new(self);
            draft.deliver_as_it_is(&set).await?;
            draft.put_set(Some(&set), set.id, None);
            let commit = Commit::Receive(Box::new(std::mem::take(&mut draft.batch)));
            // A set that changed in between is found again when its new time is up.
            if let Committed::New(_) = self.commit(commit).await? {
                self.act_on(&draft);
                ended += 1;
            }
        }
        Ok(ended)
    }
}

impl Draft<'_> {
    /// False where too many sets wait already: then a part is delivered at once as it is.
    pub fn may_wait(&self, source: &str, message: &Message, concat: &Concat) -> bool {
        if self.set(set_id(source, message, concat)).is_some() {
            return true;
        }
        let pair = multipart::pair(message);
        let begun = || self.batch.sets.iter().filter(|set| set.was.is_none());
        let own = begun().filter(|set| set.next.as_ref().is_some_and(|set| set.pair == pair));
        let (waiting, in_all) = self.gateway.parts.store.live().parts_waiting(pair);
        let rules = &self.gateway.parts.rules;
        waiting + own.count() < rules.sets_per_sender_max && in_all + begun().count() < rules.sets_max
    }

    /// One part: kept, looked at, and joined with the others once they are all there.
    pub async fn part(
        &mut self,
        arrival: Arrival<'_>,
        (concat, part): (&Concat, PartOf),
        owner: &Owner,
        stored: StoredMessage,
    ) -> Result<(), Error> {
        let id = set_id(arrival.source, arrival.message, concat);
        let place = stored.place();
        let arrived = Arrived {
            source: arrival.source,
            message: arrival.message,
            part,
            stored: &place,
            owner,
            until: self.now.plus_ms(self.gateway.parts.rules.parts_wait_ms),
        };
        let known = self.set(id);
        let next = match known.as_ref().map(|set| (set, set.add(arrived))) {
            None => Set::begin(id, arrived),
            Some((_, Added::Repeats)) => {
                self.counts.push(Count::Repeated(arrival.source.to_owned()));
                return Ok(());
            }
            Some((_, Added::Waits(set))) => set,
            Some((_, Added::Complete(set))) => {
                self.whole(&set, stored).await?;
                self.put_set(known.as_ref(), id, None);
                return Ok(());
            }
            Some((old, Added::Conflicts)) => {
                self.deliver_as_it_is(old).await?;
                Set::begin(id, arrived)
            }
        };
        let next = self.wait(next, part, stored).await?;
        self.put_set(known.as_ref(), id, Some(next));
        Ok(())
    }

    /// Keeps a part until the others come. A code in it is told at once.
    async fn wait(&mut self, mut set: Set, part: PartOf, stored: StoredMessage) -> Result<Set, Error> {
        let found = self.found_in_part(&set, part, &stored).await?;
        let novelty = self.novelty(&set.source);
        if let (Ok((account, id)), Some(_)) = (&set.owner, &found.code) {
            let rental = self.rental(account, *id).await?;
            self.attach(&rental, stored.with(&found), Telling::of(&found), novelty);
            set.tell(part.number);
        } else {
            self.file(stored, novelty, false);
        }
        Ok(set)
    }

    async fn found_in_part(
        &self,
        set: &Set,
        part: PartOf,
        stored: &StoredMessage,
    ) -> Result<Extraction, Error> {
        match &set.owner {
            Ok((account, id)) if !set.code_told => {
                let rental = self.rental(account, *id).await?;
                let found = self.extract(&rental, &stored.from, &stored.text);
                Ok(part.trusted(found, &stored.text))
            }
            _ => Ok(Extraction::default()),
        }
    }

    /// All parts are there: they become one message, with the code of the whole, or else of the part that came last.
    async fn whole(&mut self, set: &Set, last: StoredMessage) -> Result<(), Error> {
        let in_last = match last.part {
            Some(part) => self.found_in_part(set, part, &last).await?,
            None => Extraction::default(),
        };
        self.file(last, self.novelty(&set.source), false);
        let places: Vec<&MessageRef> = set.parts.iter().map(|part| &part.message).collect();
        let parts = self.stored_parts(&places).await?;
        let Some(first) = parts.first().filter(|_| parts.len() == set.parts.len()) else {
            // A part left the log: the rest is still worth having.
            return self.deliver_as_it_is(set).await;
        };
        let whole = StoredMessage {
            id: MessageId::of_parts(set.parts.iter().map(|part| &part.message.id)),
            text: parts.iter().map(|part| part.text.as_str()).collect(),
            media: parts.iter().flat_map(|part| part.media.clone()).collect(),
            parts: Some(set.total.into()),
            part: None,
            received_at: self.now,
            late: parts.iter().any(|part| part.late),
            ..first.clone()
        };
        let (owner, late) = self.owner_by_text(&set.owner, &whole, first.received_at).await?;
        let whole = StoredMessage {
            owner: owner.clone().map(|(_, id)| id),
            late,
            ..whole
        };
        let Ok((account, id)) = owner else {
            self.unmatched(whole, Novelty::Known);
            return Ok(());
        };
        let rental = self.rental(&account, id).await?;
        let in_whole = self.extract(&rental, &whole.from, &whole.text);
        let found = if in_whole.code.is_some() {
            in_whole
        } else {
            in_last
        };
        let telling = Telling {
            link: found.link.as_deref(),
            code: !set.code_told,
        };
        self.attach(&rental, whole.with(&found), telling, Novelty::Known);
        Ok(())
    }

    /// Every part that told nothing yet becomes a message of its own; of their codes, one at most is told.
    pub async fn deliver_as_it_is(&mut self, set: &Set) -> Result<(), Error> {
        let untold = set.parts.iter().filter(|part| !part.told);
        let places: Vec<&MessageRef> = untold.map(|part| &part.message).collect();
        let mut code_told = set.code_told;
        for part in self.stored_parts(&places).await? {
            let (owner, late) = self.owner_by_text(&set.owner, &part, part.received_at).await?;
            let part = StoredMessage {
                owner: owner.clone().map(|(_, id)| id),
                late,
                ..part
            };
            let Ok((account, id)) = owner else {
                self.unmatched(part, Novelty::Known);
                continue;
            };
            let rental = self.rental(&account, id).await?;
            let mut found = self.extract(&rental, &part.from, &part.text);
            if code_told {
                found.code = None;
            }
            code_told |= found.code.is_some();
            self.attach(&rental, part.with(&found), Telling::of(&found), Novelty::Known);
        }
        Ok(())
    }

    /// The parts' messages, from this draft or from the log.
    async fn stored_parts(&self, places: &[&MessageRef]) -> Result<Vec<StoredMessage>, Error> {
        let drafted = |place: &MessageRef| {
            let filed = self.batch.messages.iter();
            filed
                .map(|filed| &filed.message)
                .find(|message| message.id == place.id)
        };
        let missing = places.iter().filter(|place| drafted(place).is_none());
        let missing: Vec<MessageRef> = missing.map(|place| (*place).clone()).collect();
        let logged = match missing.is_empty() {
            true => Vec::new(),
            false => self.gateway.read(move |store| store.messages(&missing)).await?,
        };
        let found = places.iter().filter_map(|place| {
            drafted(place).or_else(|| logged.iter().find(|message| message.id == place.id))
        });
        Ok(found.cloned().collect())
    }

    /// A set as decided so far.
    fn set(&self, id: SetId) -> Option<Set> {
        match self.batch.sets.iter().find(|change| change.id == id) {
            Some(change) => change.next.clone(),
            None => self
                .gateway
                .parts
                .store
                .live()
                .parts(id)
                .map(|set| (*set).clone()),
        }
    }

    /// Puts a set in the place of the one that was decided on.
    pub fn put_set(&mut self, known: Option<&Set>, id: SetId, next: Option<Set>) {
        match self.batch.sets.iter_mut().find(|change| change.id == id) {
            Some(change) => change.next = next,
            None => self.batch.sets.push(SetChange {
                id,
                was: known.map(|set| set.version),
                next,
            }),
        }
    }
}

fn set_id(source: &str, message: &Message, concat: &Concat) -> SetId {
    SetId::derive(source, message.from.as_str(), message.to.as_str(), concat)
}
