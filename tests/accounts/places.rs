//! Where requests take ids, read from `schemas/openapi.yaml`; an id that is of no known kind is a failure, so that a new one cannot be passed over.

use serde_json::{Value, json};

use crate::support::client::Call;
use crate::support::openapi::document;

/// Members that are called ids and are looked up nowhere, by the beginning of the path and the end of the name: of a JSON-RPC request, of a
/// template at WhatsApp, and of templates for channels that have no words of ours, which pass it over.
const NOT_LOOKED_UP: [(&str, &str); 5] = [
    ("/mcp", "id"),
    ("/v2/verify_profiles", "/template_id"),
    ("/v2/verify_profiles", "/waba_id"),
    ("/v2/verify_profiles", "flashcall/messaging_template_id"),
    ("/v2/verify_profiles", "whatsapp/messaging_template_id"),
];

/// What other members have in every request, so that the ids of its body are looked up at all.
fn filled(name: &str) -> Option<&'static str> {
    Some(match name {
        "account" => "acme",
        "channel" => "sms",
        "code" => "123456",
        "name" => "x",
        "phone_number" | "to" => "+15005550006",
        "text" => "{{code}}",
        "type" => "message.received",
        _ => return None,
    })
}

/// A place of a request that takes an id.
#[derive(Debug, Clone)]
pub struct Place {
    /// `path`, `query` or `body`.
    pub at: &'static str,
    /// In a body a path of names, such as `sms/messaging_template_id`.
    pub name: String,
    /// The schema that describes it.
    pub kind: &'static str,
}

pub struct Operation {
    pub method: String,
    pub path: String,
    pub places: Vec<Place>,
    /// Whoever may read it reads on.
    pub is_stream: bool,
    has_wait: bool,
    media: Option<String>,
    /// The other members of its body.
    filled: Vec<(String, &'static str)>,
}

/// Every operation; `kinds` are the schemas that are ids.
pub fn operations(kinds: &[&'static str]) -> Vec<Operation> {
    let paths = document()["paths"].as_object().expect("it has paths");
    let mut found = Vec::new();
    for (path, item) in paths {
        let methods = item.as_object().expect("a path has operations").iter();
        for (method, operation) in methods.filter(|(method, _)| *method != "parameters") {
            let list = |value: &'static Value| value["parameters"].as_array().into_iter().flatten();
            let parameters: Vec<_> = list(item).chain(list(operation)).map(followed).collect();
            let ok = &followed(&operation["responses"]["200"])["content"];
            let mut made = Operation {
                method: method.to_uppercase(),
                path: path.clone(),
                places: Vec::new(),
                is_stream: ok["text/event-stream"].is_object(),
                has_wait: parameters.iter().any(|parameter| parameter["name"] == "wait"),
                media: None,
                filled: Vec::new(),
            };
            for parameter in parameters {
                if let Some(at) = ["path", "query"].into_iter().find(|at| parameter["in"] == *at) {
                    let name = parameter["name"].as_str().expect("it has a name");
                    made.takes(at, name, &parameter["schema"], kinds);
                }
            }
            if let Some(content) = followed(&operation["requestBody"])["content"].as_object() {
                let (media, first) = content.iter().next().expect("a body has a form");
                made.media = Some(media.clone());
                made.members("", &first["schema"], kinds);
                if !made.places.is_empty() {
                    made.assert_full(followed(&first["schema"]));
                }
            }
            found.push(made);
        }
    }
    found
}

fn followed(value: &'static Value) -> &'static Value {
    match value["$ref"].as_str() {
        Some(reference) => document()
            .pointer(reference.trim_start_matches('#'))
            .expect(reference),
        None => value,
    }
}

/// The name of the schema that this one refers to, also where it may be null.
fn referred(schema: &'static Value) -> Option<&'static str> {
    let alternatives = schema["anyOf"].as_array().into_iter().flatten();
    let mut all = [schema].into_iter().chain(alternatives);
    let reference = all.find_map(|schema| schema["$ref"].as_str())?;
    reference.rsplit('/').next()
}

impl Operation {
    fn takes(&mut self, at: &'static str, name: &str, schema: &'static Value, kinds: &[&'static str]) {
        let referred = referred(schema).or((name == "phone").then_some("phone"));
        let kind = referred.filter(|name| kinds.contains(name));
        let last = name.rsplit('/').next().unwrap_or(name);
        let looks_so = |name: &str| name == "id" || name.ends_with("_id") || name.ends_with("Id");
        let is_at = |(path, end): &(&str, &str)| self.path.starts_with(path) && name.ends_with(end);
        if NOT_LOOKED_UP.iter().any(is_at) {
            return;
        }
        if let Some(kind) = kind {
            let name = name.to_owned();
            self.places.push(Place { at, name, kind });
            return;
        }
        let (method, path) = (&self.method, &self.path);
        let is_id = looks_so(last) || referred.is_some_and(looks_so);
        assert!(!is_id, "{method} {path}: of no kind that this test knows: {name}");
    }

    /// What the members of a body are, those of its objects too.
    fn members(&mut self, before: &str, schema: &'static Value, kinds: &[&'static str]) {
        let schema = followed(schema);
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.members(before, part, kinds);
        }
        for (name, member) in schema["properties"].as_object().into_iter().flatten() {
            let (place, known) = (format!("{before}{name}"), self.places.len());
            self.takes("body", &place, member, kinds);
            if self.places.len() == known {
                self.members(&format!("{place}/"), member, kinds);
                let value = filled(name).filter(|_| before.is_empty() && takes_text(member));
                self.filled.extend(value.map(|value| (place, value)));
            }
        }
        let known = self.places.len();
        if schema["items"].is_object() {
            self.members(&format!("{before}0/"), &schema["items"], kinds);
        }
        let path = &self.path;
        assert_eq!(
            self.places.len(),
            known,
            "{path}: an id in a list, where `call` cannot put one"
        );
    }

    /// A body that lacks what is required is refused before an id in it is looked up.
    fn assert_full(&self, schema: &'static Value) {
        for name in schema["required"].as_array().into_iter().flatten() {
            let is_place = self
                .places
                .iter()
                .any(|place| place.at == "body" && place.name == *name);
            let is_filled = self.filled.iter().any(|(filled, _)| filled == name);
            let path = &self.path;
            assert!(is_place || is_filled, "{path} needs {name}: `filled` has none");
        }
    }

    /// Which place of which operation, to a reader.
    pub fn what(&self, place: &Place) -> String {
        format!("{} {} {} {}", self.method, self.path, place.at, place.name)
    }

    /// The request with these ids in its places; what else it wants is something.
    pub fn call(&self, ids: &[(Place, String)]) -> Call {
        let (mut path, mut query, mut body) = (self.path.clone(), Vec::new(), json!({}));
        for (name, value) in &self.filled {
            body[name] = json!(value);
        }
        for (place, id) in ids {
            match place.at {
                "path" => path = path.replace(&format!("{{{}}}", place.name), id),
                "query" => query.push(format!("{}={id}", place.name)),
                _ => {
                    let names = place.name.split('/');
                    let member = names.fold(&mut body, |value, name| &mut value[name]);
                    *member = json!(id);
                }
            }
        }
        if self.has_wait {
            query.push("wait=0".into());
        }
        let path = path.replace("{number}", "1").replace("{source}", "none");
        let call = Call::new(&self.method, &format!("{path}?{}", query.join("&")));
        match &self.media {
            Some(media) => call.header("content-type", media).body(body.to_string()),
            None => call,
        }
    }
}

fn takes_text(schema: &'static Value) -> bool {
    let schema = followed(schema);
    schema["type"] == "string" || schema["enum"].is_array()
}
