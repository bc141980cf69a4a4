//! A body of contract 003 read member by member into what it changes: what is absent stays, null is the default, and everything that is
//! wrong is told at once, by its place.

use http::request::Parts;
use hyper::body::Incoming;
use serde_json::{Map, Value};

use super::refusal::{Code, Fault, Refusal, Source};
use crate::http::app::{self, App};

/// Members of an object, and what is wrong with them.
pub struct Form {
    members: Map<String, Value>,
    /// The JSON pointer of the object.
    at: String,
    faults: Vec<Fault>,
}

/// The members of a body.
pub async fn members(app: &App, head: &Parts, incoming: Incoming) -> Result<Map<String, Value>, Refusal> {
    let read = app::read_json(app, head, incoming).await;
    read.map_err(|problem| {
        if problem.status() == http::StatusCode::BAD_REQUEST {
            Refusal::new(Code::InvalidJson, problem)
        } else {
            problem.into()
        }
    })
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
