//! What rmcp asks of a server, for the holder of one key and one request: who we are, which tools there are, and a call of one.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, CustomRequest,
    CustomResult, DiscoverResult, ErrorCode, ErrorData, Implementation, InitializeRequestParams,
    InitializeResult, InitializeResultMethod, ListToolsResult, MetaObject, PaginatedRequestParams,
    ProtocolVersion, ServerCapabilities, ServerConfig,
};
use rmcp::service::RequestContext;
use rmcp::{RoleServer, ServerHandler};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::tools::{self, Trouble};
use super::{Mcp, list};
use crate::core::key::Key;
use crate::gateway::Gateway;
use crate::http::problem::Problem;

/// All that is spoken, newest first; one list for discovery and for refusals, or a client would ask in circles.
pub const SUPPORTED: [ProtocolVersion; 4] = [
    ProtocolVersion::V_2026_07_28,
    ProtocolVersion::V_2025_11_25,
    ProtocolVersion::V_2025_06_18,
    ProtocolVersion::V_2025_03_26,
];

const META_SERVER: &str = "io.modelcontextprotocol/serverInfo";

/// How long a client may keep the list of tools; it changes only with the configuration.
const LIST_TTL_MS: u64 = 3_600_000;

/// What rmcp has no words for, because it is HTTP's.
pub enum Verdict {
    /// The caller is not let in any more.
    Refused(Problem),
    /// The modern era answers wrong parameters with 400; rmcp does only where `_meta` is wrong.
    BadParams,
}

/// Serves one request.
pub struct Agent {
    gateway: Arc<Gateway>,
    mcp: Arc<Mcp>,
    key: Arc<Key>,
    /// Cancelled if a call ends without a result: rmcp runs it in a task of its own, and would wait for one that panicked.
    pub lost: CancellationToken,
    verdict: Mutex<Option<Verdict>>,
}

impl Agent {
    pub fn new(gateway: Arc<Gateway>, mcp: Arc<Mcp>, key: Arc<Key>) -> Self {
        Self {
            gateway,
            mcp,
            key,
            lost: CancellationToken::new(),
            verdict: Mutex::default(),
        }
    }

    /// What is to be answered instead of rmcp's answer, or with which status.
    pub fn verdict(&self) -> Option<Verdict> {
        self.verdict.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn judge(&self, verdict: Verdict) {
        *self.verdict.lock().unwrap_or_else(PoisonError::into_inner) = Some(verdict);
    }

    fn bad_params(&self, context: &RequestContext<RoleServer>, what: &'static str) -> ErrorData {
        if is_modern(context) {
            self.judge(Verdict::BadParams);
        }
        ErrorData::invalid_params(what, None)
    }
}

/// rmcp refuses a modern version in a header field that the body does not repeat, so the body alone tells.
fn is_modern(context: &RequestContext<RoleServer>) -> bool {
    let version = context.meta.protocol_version();
    version.is_some_and(|version| !version.has_initialize())
}

/// Which server answered is told with every modern result.
fn meta(context: &RequestContext<RoleServer>) -> Option<MetaObject> {
    let mut meta = MetaObject::new();
    meta.insert(META_SERVER.into(), json!(server_info()));
    is_modern(context).then_some(meta)
}

pub fn internal() -> ErrorData {
    ErrorData::internal_error("The failure is in this server's log; try again later.", None)
}

fn server_info() -> Implementation {
    Implementation::new("ringback", env!("CARGO_PKG_VERSION"))
}

impl ServerHandler for Agent {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_protocol_version(ProtocolVersion::LATEST_WITH_INITIALIZE)
            .with_server_info(server_info())
            .with_instructions(list::INSTRUCTIONS)
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        Cow::Borrowed(&SUPPORTED)
    }

    async fn initialize(
        &self,
        request: InitializeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<InitializeResult, ErrorData> {
        if is_modern(&context) {
            return Err(ErrorData::method_not_found::<InitializeResultMethod>());
        }
        self.negotiate_initialize(&request)
    }

    async fn discover(&self, _: RequestContext<RoleServer>) -> Result<DiscoverResult, ErrorData> {
        let mut result = DiscoverResult::from_server_info(SUPPORTED.to_vec(), self.get_info());
        (result.ttl_ms, result.cache_scope) = (LIST_TTL_MS, CacheScope::Public);
        Ok(result)
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        if request.is_some_and(|request| request.cursor.is_some()) {
            return Err(self.bad_params(&context, "There is one page of tools, so no cursor."));
        }
        let mut result = ListToolsResult::with_all_items(list::tools().into());
        if is_modern(&context) {
            result = result
                .with_ttl_ms(LIST_TTL_MS)
                .with_cache_scope(CacheScope::Public);
            result.meta = meta(&context);
        }
        Ok(result)
    }

    /// A hang-up cancels the context, and with it whatever is waited for here.
    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let lost = self.lost.clone().drop_guard();
        let arguments = request.arguments.unwrap_or_default();
        let call = tools::call(&self.gateway, &self.mcp, &self.key, &request.name, arguments);
        let called = context.ct.run_until_cancelled(call).await;
        lost.disarm();
        let mut result = match called {
            Some(Ok(result)) => CallToolResult::structured(result),
            Some(Err(Trouble::Told(what))) => CallToolResult::error(vec![ContentBlock::text(what)]),
            Some(Err(Trouble::Unknown)) => {
                return Err(self.bad_params(&context, "There is no such tool: tools/list lists them."));
            }
            Some(Err(Trouble::Refused(problem))) => {
                self.judge(Verdict::Refused(problem));
                return Err(internal());
            }
            Some(Err(Trouble::Internal)) | None => return Err(internal()),
        };
        result.meta = meta(&context);
        Ok(result.into())
    }

    /// What rmcp could not read as any request that it knows: another method, or parameters that do not fit.
    async fn on_custom_request(
        &self,
        request: CustomRequest,
        context: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        let of_the_era: &[&str] = if is_modern(&context) {
            &["server/discover"]
        } else {
            &["initialize", "ping"]
        };
        let of_both = ["tools/list", "tools/call"];
        if of_the_era
            .iter()
            .chain(&of_both)
            .any(|method| *method == request.method)
        {
            return Err(self.bad_params(&context, "\"params\" do not fit the method."));
        }
        Err(ErrorData::new(
            ErrorCode::METHOD_NOT_FOUND,
            "Method not found",
            None,
        ))
    }
}
