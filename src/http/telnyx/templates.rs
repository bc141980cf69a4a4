//! Templates as contract 003 reads and shows them: texts of an account's own, with a place for the code.

use serde::Serialize;

use super::form::{Form, members};
use super::refusal::Refusal;
use super::{Answer, Asked, data};
use crate::core::id::TemplateId;
use crate::core::verification::profile::Template;
use crate::core::verification::text;
use crate::gateway::ProfileError;

#[derive(Serialize)]
struct Shown<'a> {
    id: String,
    text: &'a str,
}

impl<'a> From<&'a Template> for Shown<'a> {
    fn from(template: &'a Template) -> Self {
        Self {
            id: template.id.to_string(),
            text: &template.text,
        }
    }
}

pub fn list(asked: &Asked) -> Answer {
    let found = asked.app.gateway.templates(&asked.key.account);
    let shown: Vec<_> = found.iter().map(|template| Shown::from(&**template)).collect();
    data(&shown)
}

pub async fn create(asked: Asked) -> Answer {
    let text = text_of(Form::new(members(&asked.app, &asked.head, asked.incoming).await?))?;
    let made = asked.app.gateway.create_template(&asked.key.account, text);
    data(&Shown::from(&*made.await?))
}

pub async fn change(asked: Asked, id: Option<TemplateId>) -> Answer {
    let id = id.ok_or(ProfileError::NoTemplate)?;
    asked.app.gateway.template(&asked.key.account, id)?;
    let text = text_of(Form::new(members(&asked.app, &asked.head, asked.incoming).await?))?;
    let changed = asked.app.gateway.change_template(&asked.key.account, id, text);
    data(&Shown::from(&*changed.await?))
}

fn text_of(mut form: Form) -> Result<String, Refusal> {
    let mut text = None;
    form.need("text");
    let rule = "must contain {{code}} and be at most 1000 bytes";
    form.text("text", &mut text, (text::is_text, rule));
    form.done()?;
    text.ok_or_else(|| crate::http::problem::Problem::internal().into())
}
