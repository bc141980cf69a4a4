//! Every route there is, with its methods and what a key must be allowed for it. The router serves nothing that has no row here, so a new
//! route without a scope cannot be reached.

use http::Method;

use super::problem::Problem;
use crate::core::scope::Scope;

/// Who may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Carriers, whose requests are signed, and receivers, who have no key.
    Open,
    /// The holder of a bearer's key with this scope; asked before anything else.
    Key(Scope),
    /// The same, where the contract has its own way to send a key or to refuse one.
    Own(Scope),
}

/// A path and its methods.
#[derive(Debug)]
pub struct Route {
    /// `{..}` is any one segment.
    pub path: &'static str,
    /// As in the field `Allow`.
    pub methods: &'static str,
    /// One for each method.
    pub access: &'static [Access],
}

const fn route(path: &'static str, methods: &'static str, access: &'static [Access]) -> Route {
    Route {
        path,
        methods,
        access,
    }
}

use Access::{Key, Open, Own};
use Scope::{
    EventsRead, EventsWrite, Mcp, MessagesRead, MessagesWrite, RentalsRead, RentalsWrite, UnmatchedRead,
    UnmatchedWrite, UsageRead, VerifyRead, VerifyWrite, WebhooksRead, WebhooksWrite,
};

/// The first that fits counts.
pub const ROUTES: &[Route] = &[
    route("/inbound/{source}", "GET, POST", &[Open, Open]),
    route("/inbound/{source}/{token}", "GET, POST", &[Open, Open]),
    route(
        "/api/verifications",
        "GET, POST",
        &[Key(RentalsRead), Key(RentalsWrite)],
    ),
    route("/api/verifications/services", "GET", &[Key(RentalsRead)]),
    route("/api/services", "GET", &[Key(RentalsRead)]),
    route("/api/verifications/{id}", "GET", &[Key(RentalsRead)]),
    route("/api/verifications/{id}/code", "GET", &[Key(MessagesRead)]),
    route("/api/verifications/{id}/messages", "GET", &[Key(MessagesRead)]),
    route("/api/verifications/{id}/events/stream", "GET", &[Key(EventsRead)]),
    route("/api/verifications/{id}/cancel", "POST", &[Key(RentalsWrite)]),
    route("/api/verifications/{id}/report", "POST", &[Key(RentalsWrite)]),
    route(
        "/api/webhooks",
        "GET, POST",
        &[Key(WebhooksRead), Key(WebhooksWrite)],
    ),
    route(
        "/api/webhooks/{id}",
        "GET, PATCH, DELETE",
        &[Key(WebhooksRead), Key(WebhooksWrite), Key(WebhooksWrite)],
    ),
    route("/api/webhooks/{id}/pause", "POST", &[Key(WebhooksWrite)]),
    route("/api/webhooks/{id}/resume", "POST", &[Key(WebhooksWrite)]),
    route("/api/webhooks/{id}/rotate-secret", "POST", &[Key(WebhooksWrite)]),
    route("/api/webhooks/{id}/test", "POST", &[Key(WebhooksWrite)]),
    route("/api/webhooks/{id}/logs", "GET", &[Key(WebhooksRead)]),
    route("/api/webhooks/{id}/logs/{delivery}", "GET", &[Key(WebhooksRead)]),
    route(
        "/api/webhooks/{id}/logs/{delivery}/attempts/{number}",
        "GET",
        &[Key(WebhooksRead)],
    ),
    route("/api/webhooks/{id}/deliveries", "GET", &[Key(WebhooksRead)]),
    route(
        "/api/webhooks/{id}/deliveries/{delivery}",
        "GET",
        &[Key(WebhooksRead)],
    ),
    route(
        "/api/webhooks/{id}/deliveries/{delivery}/retry",
        "POST",
        &[Key(WebhooksWrite)],
    ),
    route(
        "/api/replays",
        "GET, POST",
        &[Key(WebhooksRead), Key(WebhooksWrite)],
    ),
    route("/api/replays/{id}", "GET", &[Key(WebhooksRead)]),
    route("/api/replays/{id}/cancel", "POST", &[Key(WebhooksWrite)]),
    route("/api/events", "GET", &[Key(EventsRead)]),
    route("/api/events/stream", "GET", &[Key(EventsRead)]),
    route("/api/events/test", "POST", &[Key(EventsWrite)]),
    route("/.well-known/webhook-keys/{id}", "GET", &[Open]),
    route("/api/unmatched", "GET", &[Key(UnmatchedRead)]),
    route("/api/unmatched/{id}/assign", "POST", &[Key(UnmatchedWrite)]),
    route("/api/usage", "GET", &[Key(UsageRead)]),
    route("/api/usage/export", "GET", &[Key(UsageRead)]),
    route("/api/messages", "POST", &[Own(MessagesWrite)]),
    route("/api/extract", "POST", &[Key(MessagesRead)]),
    route("/getNumbers", "GET", &[Own(RentalsRead)]),
    route("/rentNumber", "POST", &[Own(RentalsWrite)]),
    route("/getSMS", "GET", &[Own(MessagesRead)]),
    route("/cancelNumber", "POST", &[Own(RentalsWrite)]),
    route("/api/verify/figures", "GET", &[Key(VerifyRead)]),
    route("/api/verify/preview", "POST", &[Key(VerifyRead)]),
    route("/api/verify/unblock", "POST", &[Key(VerifyWrite)]),
    route("/api/verify/{id}/cancel", "POST", &[Key(VerifyWrite)]),
    route("/v1/verify/start", "POST", &[Own(VerifyWrite)]),
    route("/v1/verify/check", "POST", &[Own(VerifyWrite)]),
    route("/v1/verify/{id}", "GET", &[Own(VerifyRead)]),
    route(
        "/v2/verify_profiles",
        "GET, POST",
        &[Own(VerifyRead), Own(VerifyWrite)],
    ),
    route(
        "/v2/verify_profiles/templates",
        "GET, POST",
        &[Own(VerifyRead), Own(VerifyWrite)],
    ),
    route("/v2/verify_profiles/templates/{id}", "PATCH", &[Own(VerifyWrite)]),
    route(
        "/v2/verify_profiles/{id}",
        "GET, PATCH, DELETE",
        &[Own(VerifyRead), Own(VerifyWrite), Own(VerifyWrite)],
    ),
    route("/v2/public_key", "GET", &[Own(VerifyRead)]),
    route("/v2/verifications/sms", "POST", &[Own(VerifyWrite)]),
    route("/v2/verifications/call", "POST", &[Own(VerifyWrite)]),
    route("/v2/verifications/flashcall", "POST", &[Own(VerifyWrite)]),
    route("/v2/verifications/whatsapp", "POST", &[Own(VerifyWrite)]),
    route(
        "/v2/verifications/by_phone_number/{phone}",
        "GET",
        &[Own(VerifyRead)],
    ),
    route(
        "/v2/verifications/by_phone_number/{phone}/actions/verify",
        "POST",
        &[Own(VerifyWrite)],
    ),
    route("/v2/verifications/{id}", "GET", &[Own(VerifyRead)]),
    route(
        "/v2/verifications/{id}/actions/verify",
        "POST",
        &[Own(VerifyWrite)],
    ),
    route("/mcp", "POST", &[Own(Mcp)]),
    route("/api/dev/sources", "GET", &[Key(RentalsRead)]),
    route("/api/dev/sms", "POST", &[Key(RentalsWrite)]),
];

/// The row of this path.
pub fn find(segments: &[&str]) -> Result<&'static Route, Problem> {
    let found = ROUTES.iter().find(|route| route.fits(segments));
    found.ok_or_else(none)
}

/// There is no such route.
pub fn none() -> Problem {
    Problem::not_found("There is no such route; README.md lists them.")
}

impl Route {
    fn fits(&self, segments: &[&str]) -> bool {
        let mut pattern = self.path.split('/').skip(1);
        let all_fit = segments.iter().all(|segment| {
            pattern
                .next()
                .is_some_and(|part| part.starts_with('{') || part == *segment)
        });
        all_fit && pattern.next().is_none()
    }

    /// Who may call it with this method; `None` where nobody may.
    pub fn access(&self, method: &Method) -> Option<Access> {
        let mut methods = self.methods.split(", ").zip(self.access);
        methods
            .find(|(known, _)| *known == method.as_str())
            .map(|(_, access)| *access)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `None`: there is no such route; `Some(None)`: not with this method.
    fn found(method: &str, path: &str) -> Option<Option<Access>> {
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        find(&segments).ok().map(|route| route.access(&method))
    }

    #[test]
    fn every_method_has_its_access() {
        for route in ROUTES {
            assert_eq!(
                route.methods.split(", ").count(),
                route.access.len(),
                "{}",
                route.path
            );
        }
    }

    #[test]
    fn only_carriers_and_receivers_come_without_a_key() {
        let open = ROUTES.iter().filter(|route| route.access.contains(&Open));
        let open: Vec<_> = open.map(|route| route.path).collect();
        assert_eq!(
            open,
            [
                "/inbound/{source}",
                "/inbound/{source}/{token}",
                "/.well-known/webhook-keys/{id}"
            ]
        );
    }

    #[test]
    fn the_first_row_that_fits_counts_and_each_can_be_reached() {
        assert_eq!(
            found("GET", "/api/verifications/services"),
            Some(Some(Key(RentalsRead)))
        );
        assert_eq!(found("DELETE", "/api/webhooks/x"), Some(Some(Key(WebhooksWrite))));
        assert_eq!(found("PUT", "/api/webhooks/x"), Some(None));
        assert_eq!(found("GET", "/api/verifications/x/code/"), None);
        assert_eq!(found("GET", "/api"), None);
        for (at, route) in ROUTES.iter().enumerate() {
            let path = route.path.replace(['{', '}'], "");
            let segments: Vec<&str> = path.split('/').skip(1).collect();
            let first = ROUTES.iter().position(|route| route.fits(&segments));
            assert_eq!(first, Some(at), "{} is hidden by one before it", route.path);
        }
    }
}
