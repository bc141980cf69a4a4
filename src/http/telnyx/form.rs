//! A body of contract 003 read member by member into what it changes: what is absent stays, null is the default, and everything that is
//! wrong is told at once, by its place.

use http::StatusCode;
use http::request::Parts;
use hyper::body::Incoming;
use serde_json::{Map, Value};

use super::refusal::{Code, Fault, Refusal, Source};
use crate::http::app::{self, App, Caller};
use crate::http::once::{self, Sent};
use crate::http::problem::Problem;

/// Members of an object, and what is wrong with them.
pub struct Form {
    members: Map<String, Value>,
    /// The JSON pointer of the object.
    at: String,
    faults: Vec<Fault>,
}

/// The members of a body.
pub async fn members(app: &App, head: &Parts, incoming: Incoming) -> Result<Map<String, Value>, Refusal> {
    app::read_json(app, head, incoming).await.map_err(unread)
}

/// The members of a body that may come again with its `Idempotency-Key`.
pub async fn members_once(
    caller: &Caller,
    (head, incoming): (&Parts, Incoming),
    route: &str,
) -> Result<Sent<Map<String, Value>>, Refusal> {
    // What is no key is told apart from what is no JSON.
    once::client_key(&head.headers)?;
    once::read(caller, (head, incoming), route).await.map_err(unread)
}

fn unread(problem: Problem) -> Refusal {
    match problem.status() {
        StatusCode::BAD_REQUEST => Refusal::new(Code::InvalidJson, problem),
        // The same is under way: what the SDKs do by themselves gets its answer.
        StatusCode::CONFLICT => Refusal {
            try_again: true,
            ..Refusal::new(Code::Duplicate, problem)
        },
        _ => problem.into(),
    }
}

impl Form {
    pub fn new(members: Map<String, Value>) -> Self {
        Self {
            members,
            at: String::new(),
            faults: Vec::new(),
        }
    }

    pub fn refuse(&mut self, field: &str, (code, detail): (Code, &str)) {
        self.faults.push(Fault {
            code,
            detail: format!("{field} {detail}"),
            source: Source::Pointer(format!("{}/{field}", self.at)),
        });
    }

    fn bad(&mut self, field: &str, detail: &str) {
        self.refuse(field, (Code::BadRequest, detail));
    }

    /// `None` where it is absent; a null is there.
    fn take(&mut self, field: &str) -> Option<Value> {
        self.members.remove(field)
    }

    /// Whether it is there with a value.
    fn has(&self, field: &str) -> bool {
        self.members.get(field).is_some_and(|value| !value.is_null())
    }

    /// Notes where it is missing.
    pub fn need(&mut self, field: &str) {
        if !self.has(field) {
            self.refuse(field, (Code::MissingParameter, "is required"));
        }
    }

    /// A text that keeps a rule.
    pub fn text(
        &mut self,
        field: &str,
        place: &mut Option<String>,
        (is, rule): (impl Fn(&str) -> bool, &str),
    ) {
        match self.take(field) {
            None => {}
            Some(Value::Null) => *place = None,
            Some(Value::String(text)) if is(&text) => *place = Some(text),
            Some(Value::String(_)) => self.bad(field, rule),
            Some(_) => self.bad(field, "must be a string"),
        }
    }

    /// A whole number that keeps a rule.
    pub fn whole<T: TryFrom<u64>>(
        &mut self,
        field: &str,
        place: &mut T,
        usual: T,
        (is, rule): (impl Fn(u64) -> bool, &str),
    ) {
        match self.take(field) {
            None => {}
            Some(Value::Null) => *place = usual,
            Some(value) => match value.as_u64().filter(|number| is(*number)).map(T::try_from) {
                Some(Ok(number)) => *place = number,
                _ => self.bad(field, rule),
            },
        }
    }

    pub fn flag(&mut self, field: &str, place: &mut bool) {
        match self.take(field) {
            None => {}
            Some(Value::Null) => *place = false,
            Some(Value::Bool(flag)) => *place = flag,
            Some(_) => self.bad(field, "must be true or false"),
        }
    }

    /// What is made of a value by a rule.
    pub fn made<T>(
        &mut self,
        field: &str,
        place: &mut Option<T>,
        (make, (code, rule)): (impl Fn(&Value) -> Option<T>, (Code, &str)),
    ) {
        match self.take(field) {
            None => {}
            Some(Value::Null) => *place = None,
            Some(value) => match make(&value) {
                Some(made) => *place = Some(made),
                None => self.refuse(field, (code, rule)),
            },
        }
    }

    /// An object within, whose faults are this one's.
    pub fn object<T: Default>(
        &mut self,
        field: &str,
        place: &mut Option<T>,
        fill: impl Fn(&mut Self, &mut T),
    ) {
        match self.take(field) {
            None => {}
            Some(Value::Null) => *place = None,
            Some(Value::Object(members)) => {
                let mut inner = Self {
                    members,
                    at: format!("{}/{field}", self.at),
                    faults: Vec::new(),
                };
                fill(&mut inner, place.get_or_insert_default());
                self.faults.append(&mut inner.faults);
            }
            Some(_) => self.bad(field, "must be an object"),
        }
    }

    /// An older name of a member counts where the present one is absent.
    pub fn alias(&mut self, old: &str, new: &str) {
        if let Some(value) = self.take(old)
            && !self.members.contains_key(new)
        {
            self.members.insert(new.to_owned(), value);
        }
    }

    /// Whether nothing was wrong so far.
    pub fn is_sound(&self) -> bool {
        self.faults.is_empty()
    }

    /// That nothing is wrong.
    pub fn done(self) -> Result<(), Refusal> {
        if self.faults.is_empty() {
            return Ok(());
        }
        Err(Refusal::of(self.faults))
    }
}
