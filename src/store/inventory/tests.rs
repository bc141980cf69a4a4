//! The inventory held against a plain list: whatever is leased, ended, reserved and set back, the number chosen is the one the rule names.

mod plain;

use plain::Plain;
use proptest::prelude::*;

use super::*;
use crate::core::id::{AccountId, RentalId};
use crate::core::number::{Reason, Rules, Sharing};
use crate::core::otp::Filter;
use crate::core::rental::{Rental, Status};
use crate::core::tags::Tags;

const SERVICES: [&str; 3] = ["google", "telegram", "other"];
const AREAS: [&str; 3] = ["202", "212", "305"];
const SHARED_BY_MAX: usize = 2;

fn rules() -> Rules {
    Rules {
        cool_down_ms: 100,
        same_service_ms: 400,
        used_before_ms: 2000,
        silent_rentals: 0,
        reports: 0,
        quarantine_ms: vec![300],
        shared: false,
        shared_rentals_max: SHARED_BY_MAX,
    }
}

fn number(n: usize) -> Number {
    let text = format!("+1{}55501{n:02}", AREAS[n % 3]);
    let capability = if n % 5 == 4 {
        Capability::SmsAndVoice
    } else {
        Capability::Sms
    };
    let price = Price([0, 0, 7000, 2000][n % 4]);
    let sharing = if n % 4 == 1 { Sharing::Next } else { Sharing::Off };
    Number {
        capability,
        sharing,
        ..Number::new(PhoneNumber::parse(&text).unwrap(), "US".into(), price)
    }
}

fn wanted(service: usize, area: Option<usize>, price_max: Option<u64>) -> Wanted {
    Wanted {
        country: "US".into(),
        area_code: area.map(|area| AREAS[area].as_bytes().try_into().unwrap()),
        service: SERVICES[service].into(),
        capability: if service == 2 {
            Capability::Voice
        } else {
            Capability::Sms
        },
        usual: Price(5000),
        price_max: price_max.map(Price),
        used_before_ms: rules().used_before_ms,
        same_service_ms: rules().same_service_ms,
        shared_by_max: if service == 2 { 0 } else { SHARED_BY_MAX },
    }
}

fn rental(number: &Number, service: &str, now: UnixMs, n: u32) -> Rental {
    let mut id = [0; 16];
    id[..4].copy_from_slice(&n.to_be_bytes());
    Rental {
        id: RentalId(id),
        account: AccountId::parse("a").unwrap(),
        maker: None,
        service: service.into(),
        number: number.number.clone(),
        cost: Price(0),
        status: Status::Active,
        filter: Filter::default(),
        tags: Tags::default(),
        created_at: now,
        ends_at: now.plus_ms(50),
        closed: false,
        reported: false,
        supplied: None,
        code: None,
        messages: Vec::new(),
        version: 0,
    }
}

#[derive(Debug, Clone)]
enum Act {
    Rent(usize, Option<usize>, Option<u64>),
    GiveUp(usize, Option<usize>),
    /// Chooses one, and is long about it.
    Hold(usize, Option<usize>),
    LetGo(usize),
    Share(usize, bool),
    End(usize, bool),
    Quarantine(usize),
    Retire(usize, bool),
    Pass(u64),
    SetBack(u64),
}

fn act() -> impl Strategy<Value = Act> {
    let (area, price) = (
        proptest::option::of(0usize..3),
        proptest::option::of(1000u64..8000),
    );
    prop_oneof![
        6 => (0usize..3, area.clone(), price).prop_map(|(service, area, price)| Act::Rent(service, area, price)),
        1 => (0usize..3, area).prop_map(|(service, area)| Act::GiveUp(service, area)),
        1 => (0usize..3, proptest::option::of(0usize..3)).prop_map(|(service, area)| Act::Hold(service, area)),
        1 => (0usize..5).prop_map(Act::LetGo),
        1 => (0usize..20, any::<bool>()).prop_map(|(at, shared)| Act::Share(at, shared)),
        4 => (0usize..20, any::<bool>()).prop_map(|(at, fast)| Act::End(at, fast)),
        1 => (0usize..20).prop_map(Act::Quarantine),
        1 => (0usize..20, any::<bool>()).prop_map(|(at, out)| Act::Retire(at, out)),
        4 => (0u64..600).prop_map(Act::Pass),
        1 => (0u64..100).prop_map(Act::SetBack),
    ]
}

struct Both {
    inventory: Inventory,
    plain: Plain,
    now: UnixMs,
    rentals: Vec<(usize, Rental)>,
    held: Vec<(usize, Reserved)>,
    count: u32,
}

impl Both {
    fn new() -> Self {
        let (mut inventory, mut plain) = (Inventory::default(), Plain::default());
        for n in 0..20 {
            inventory.put(Arc::new(number(n)));
            plain.all.push(number(n));
            plain.tickets.push(Vec::new());
            plain.line.push(n);
        }
        Self {
            inventory,
            plain,
            now: UnixMs(1_000_000),
            rentals: Vec::new(),
            held: Vec::new(),
            count: 0,
        }
    }

    fn put(&mut self, at: usize, number: Number) {
        self.inventory.put(Arc::new(number.clone()));
        self.plain.put(at, number);
    }

    /// What both choose must be the same; the number chosen is reserved.
    fn choose(&mut self, wanted: &Wanted) -> Result<Option<(usize, Reserved)>, TestCaseError> {
        self.plain.set_clock(self.now);
        let chosen = self.inventory.reserve(wanted, self.now);
        let Some(reserved) = chosen else {
            prop_assert_eq!(self.plain.choose(wanted), Err(None));
            return Ok(None);
        };
        let at = self
            .plain
            .all
            .iter()
            .position(|n| n.number == reserved.number.number)
            .unwrap();
        match self.plain.choose(wanted) {
            Ok(expected) => prop_assert_eq!(at, expected),
            Err(ranked) => {
                let number = &self.plain.all[at];
                let served = number
                    .served
                    .iter()
                    .find(|s| s.service == wanted.service)
                    .map(|s| s.at);
                prop_assert_eq!(served.map(|served| (self.plain.shared_by(at), served)), ranked);
            }
        }
        let number = &reserved.number;
        prop_assert!(
            number.ready_at().is_some_and(|ready| ready <= self.now) && !number.serves(&wanted.service)
        );
        let state = self.inventory.state(number, self.now);
        let expected = if number.is_held() {
            State::Active
        } else {
            State::Reserved
        };
        prop_assert_eq!(state, expected);
        self.plain.reserve(at, (reserved.ticket, wanted.service.clone()));
        Ok(Some((at, reserved)))
    }

    fn give_back(&mut self, at: usize, reserved: &Reserved) {
        self.inventory.give_back(reserved);
        self.plain.give_back(at, reserved.ticket);
    }

    fn act(&mut self, act: Act) -> Result<(), TestCaseError> {
        match act {
            Act::Rent(service, area, price) => {
                if let Some((at, reserved)) = self.choose(&wanted(service, area, price))? {
                    self.count += 1;
                    let rental = rental(&reserved.number, SERVICES[service], self.now, self.count);
                    self.put(at, reserved.number.leased(&rental));
                    // What was reserved is decided, so this changes nothing.
                    self.inventory.give_back(&reserved);
                    self.rentals.push((at, rental));
                }
            }
            Act::GiveUp(service, area) => {
                if let Some((at, reserved)) = self.choose(&wanted(service, area, None))? {
                    self.give_back(at, &reserved);
                }
            }
            Act::Hold(service, area) => {
                let chosen = self.choose(&wanted(service, area, None))?;
                self.held.extend(chosen);
            }
            Act::LetGo(n) if n < self.held.len() => {
                let (at, reserved) = self.held.swap_remove(n);
                self.give_back(at, &reserved);
            }
            Act::LetGo(_) => {}
            Act::Share(at, shared) => self.put(at, self.plain.all[at].shared(shared)),
            Act::End(at, fast) if !self.rentals.is_empty() => {
                let (at, rental) = self.rentals.swap_remove(at % self.rentals.len());
                let over = Rental {
                    status: Status::Completed,
                    closed: true,
                    ends_at: if fast { self.now } else { rental.ends_at },
                    ..rental
                };
                let back = self.plain.all[at].given_back(&over, &rules());
                self.put(at, back);
            }
            Act::End(..) => {}
            Act::Quarantine(at) => {
                let out = self.plain.all[at].quarantined(Reason::CarrierError, self.now, &rules());
                self.put(at, out);
            }
            Act::Retire(at, out) => {
                let number = &self.plain.all[at];
                let next = if out {
                    number.retired()
                } else {
                    number.readmitted()
                };
                self.put(at, next);
            }
            Act::Pass(ms) => self.now = self.now.plus_ms(ms),
            Act::SetBack(ms) => self.now = self.now.minus_ms(ms),
        }
        Ok(())
    }
}

proptest! {
    #[test]
    fn it_chooses_as_the_rule_over_a_plain_list_does(acts in proptest::collection::vec(act(), 1..150)) {
        let mut both = Both::new();
        for act in acts {
            both.act(act)?;
        }
        // None is lost: once all that is held is back and time has passed, all are free but the retired and those in quarantine.
        while !both.rentals.is_empty() {
            both.act(Act::End(0, true))?;
        }
        while !both.held.is_empty() {
            both.act(Act::LetGo(0))?;
        }
        both.now = both.now.plus_ms(100_000);
        let free: usize = both.inventory.free(both.now, SHARED_BY_MAX).iter().map(|(_, _, count)| count).sum();
        let expected = both.plain.all.iter().filter(|number| number.state(both.now) == State::Free).count();
        prop_assert_eq!(free, expected);
    }
}

#[test]
fn who_rents_at_once_gets_another_number() {
    let mut both = Both::new();
    let wanted = wanted(0, None, None);
    let first = both.inventory.reserve(&wanted, both.now).unwrap();
    let second = both.inventory.reserve(&wanted, both.now).unwrap();
    assert_ne!(first.number.number, second.number.number);
    both.inventory.give_back(&first);
    // A ticket that was given back does not give back the next one's number.
    let all: Vec<Reserved> = std::iter::from_fn(|| both.inventory.reserve(&wanted, both.now)).collect();
    assert!(
        all.iter()
            .any(|reserved| reserved.number.number == first.number.number)
    );
    both.inventory.give_back(&first);
    assert_eq!(both.inventory.reserve(&wanted, both.now), None);
}

/// Two who rent at once for different services share a number; for the same service they do not.
#[test]
fn a_shared_number_is_chosen_by_several_at_once() {
    let mut inventory = Inventory::default();
    let shared = Number {
        sharing: Sharing::Next,
        ..number(0)
    };
    inventory.put(Arc::new(shared));
    let now = UnixMs(1_000_000);
    let first = inventory.reserve(&wanted(0, None, None), now).unwrap();
    assert_eq!(inventory.reserve(&wanted(0, None, None), now), None);
    let second = inventory.reserve(&wanted(1, None, None), now).unwrap();
    assert_eq!(first.number.number, second.number.number);
    let third = Wanted {
        service: "whatsapp".into(),
        ..wanted(0, None, None)
    };
    assert_eq!(inventory.reserve(&third, now), None, "it carries two");
    inventory.give_back(&first);
    assert!(inventory.reserve(&third, now).is_some());
}

/// One that nobody has goes first, so that messages are seldom in doubt.
#[test]
fn one_that_the_fewest_have_goes_first() {
    let mut inventory = Inventory::default();
    for n in [1, 5] {
        inventory.put(Arc::new(number(n)));
    }
    let now = UnixMs(1_000_000);
    let mut chosen = |service| {
        inventory
            .reserve(&wanted(service, None, None), now)
            .map(|r| r.number.number.clone())
    };
    let (first, second, third) = (chosen(0).unwrap(), chosen(1).unwrap(), chosen(0).unwrap());
    assert_ne!(first, second);
    assert_eq!(third, second);
}
