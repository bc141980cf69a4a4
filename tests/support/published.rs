//! Telnyx's own published schema of Verify v2, which every answer of contract 003 is held to.

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex};

use jsonschema::Validator;
use serde_json::{Value, json};

/// As it was published, but for one pattern: of a list of countries `["*"]` is all, says its description, and its items' pattern forbids it.
static PUBLISHED: LazyLock<Value> = LazyLock::new(|| {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/fixtures/api/003/published/telnyx-verify.json"
    );
    let text = std::fs::read_to_string(path).expect("it is in the repository");
    let text = text.replace(r#""pattern": "^[A-Z]{2}$""#, r#""pattern": "^([A-Z]{2}|[*])$""#);
    serde_json::from_str(&text).expect("it is JSON")
});

/// Members of a profile that Telnyx does not know; they are sent only to who set them.
const OURS: [&str; 6] = [
    "app_hash",
    "fallback",
    "hourly_spend_limit",
    "monthly_spend_limit",
    "privacy",
    "web_domain",
];

static VALIDATORS: LazyLock<Mutex<BTreeMap<String, Validator>>> = LazyLock::new(Mutex::default);

fn at(pointer: &str) -> &'static Value {
    PUBLISHED.pointer(pointer).unwrap_or(&Value::Null)
}

/// The published path that this one is, the first with the fewest places for ids.
fn published_path(path: &str) -> Option<&'static str> {
    let path = path.split('?').next()?.strip_prefix("/v2")?;
    let fits = |pattern: &str| {
        let (mut of, mut is) = (pattern.split('/'), path.split('/'));
        loop {
            match (of.next(), is.next()) {
                (None, None) => return true,
                (Some(of), Some(is)) if of == is || of.starts_with('{') => {}
                _ => return false,
            }
        }
    };
    let paths = PUBLISHED["paths"].as_object().expect("it has paths").keys();
    let fitting = paths.filter(|pattern| fits(pattern));
    fitting
        .min_by_key(|pattern| pattern.matches('{').count())
        .map(String::as_str)
}

/// What is wrong with an answer: by its schema, and members that the schema does not describe.
pub fn wrong(method: &str, path: &str, (status, body): (u16, &Value)) -> Vec<String> {
    let schema = match status {
        200 => {
            let path = published_path(path).expect("a published path").replace('/', "~1");
            format!(
                "/paths/{path}/{}/responses/200/content/application~1json/schema",
                method.to_lowercase()
            )
        }
        _ => "/components/schemas/verify_Errors".to_owned(),
    };
    wrong_of(&schema, body)
}

fn wrong_of(schema: &str, body: &Value) -> Vec<String> {
    assert!(!at(schema).is_null(), "{schema} is not published");
    let mut validators = VALIDATORS.lock().expect("no test panics in here");
    let validator = validators.entry(schema.to_owned()).or_insert_with(|| {
        let root = json!({ "allOf": [at(schema)], "components": PUBLISHED["components"] });
        jsonschema::draft202012::options()
            .should_validate_formats(true)
            .build(&root)
            .expect("a schema")
    });
    let errors = validator.iter_errors(body);
    let mut wrong: Vec<String> = errors
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    undescribed(at(schema), body, "", &mut wrong);
    wrong
}

fn undescribed(schema: &'static Value, value: &Value, place: &str, wrong: &mut Vec<String>) {
    let schema = match schema["$ref"].as_str() {
        Some(reference) => at(reference.trim_start_matches('#')),
        None => schema,
    };
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let place = format!("{place}/{name}");
                match schema["properties"].get(name) {
                    Some(schema) => undescribed(schema, member, &place, wrong),
                    None if OURS.contains(&name.as_str()) => {}
                    None => wrong.push(format!("{place} is not published")),
                }
            }
        }
        Value::Array(list) => {
            for item in list {
                undescribed(&schema["items"], item, place, wrong);
            }
        }
        _ => {}
    }
}
