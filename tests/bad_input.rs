//! What must be refused, clearly and without a trace: each answer is a problem that names the field or the limit, nothing is lost or
//! stored by it, and the next healthy request is answered.

#[expect(dead_code, reason = "each test file uses its own part of the support")]
mod support;

mod bad_input {
    pub mod api;
    pub mod bodies;
    pub mod carriers;
    pub mod limits;
    pub mod path_token;
    pub mod refusal;
    pub mod routes;
    pub mod targets;
    pub mod tenants;
}
