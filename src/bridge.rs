//! What is built once from a configuration and shared by all streams that begin under it.

use crate::answer::Keep;
use crate::api::request::RequestBounds;
use crate::budget::Notices;
use crate::caller::{self, ActorSource};
use crate::config::{CLUSTER_HEADER, Config};
use crate::credential::GatewayCredentials;
use crate::headers::Stripping;
use crate::limits::Limits;
use crate::pool::{LocalData, Pools, SharedData};
use crate::price::Price;
use crate::provider::Provider;
use crate::record::RecordPolicy;
use crate::route::RouteTable;
use crate::values::Publish;
use std::borrow::Cow;
use std::rc::Rc;

/// The configuration in the form that streams use.
#[derive(Debug)]
pub struct Bridge {
    /// The providers in configured order; [`crate::route::Found::provider`] is an index into them.
    pub providers: Vec<Rc<Provider>>,
    /// Every provider's routes.
    pub routes: RouteTable,
    /// Lower-case name of the header that names the upstream cluster.
    pub cluster_header: Cow<'static, str>,
    /// How the tokens of the operator's gateway are recognised.
    pub gateway_credentials: GatewayCredentials,
    /// Where the actor is found.
    pub actor: ActorSource,
    /// Which headers are not sent upstream.
    pub stripping: Stripping,
    /// Which texts of the traffic are recorded.
    pub record: RecordPolicy,
    /// Which single values are set as properties.
    pub publish: Publish,
    /// Whether metrics are kept.
    pub metrics: bool,
    /// What callers are told about budgets.
    pub notices: Notices,
    /// The bounds of what one stream may use.
    pub limits: Limits,
    /// What the requests to pools share.
    pub pools: Pools,
    /// The first price whose patterns match a model holds for it.
    pub prices: Vec<Price>,
}

// === impl Bridge ===

impl Bridge {
    /// Prepares `config` for streams.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let named = core::iter::once(config.cluster_header.as_str())
            .chain(config.gateway_credentials.headers.iter().map(String::as_str))
            .chain(caller::actor_headers(&config.actor));
        Self {
            stripping: Stripping::new(named, &config.remove_headers),
            routes: RouteTable::new(&config.root, &config.providers),
            providers: config.providers.into_iter().map(Rc::new).collect(),
            // Streams clone this name; the default one is not copied.
            cluster_header: match config.cluster_header {
                header if header == CLUSTER_HEADER => Cow::Borrowed(CLUSTER_HEADER),
                header => Cow::Owned(header),
            },
            gateway_credentials: config.gateway_credentials,
            actor: config.actor,
            record: config.record,
            publish: config.publish,
            metrics: config.metrics,
            notices: config.notices,
            limits: config.limits,
            pools: Pools::new(Rc::new(LocalData::default())),
            prices: config.prices,
        }
    }

    /// The same, with data that all workers share.
    #[must_use]
    pub fn sharing(self, shared: Rc<dyn SharedData>) -> Self {
        let pools = Pools::new(shared);
        pools.prepare(self.providers.iter().map(Rc::as_ref));
        Self { pools, ..self }
    }

    /// Whether the single value `ai_bridge_{name}` is set.
    #[must_use]
    pub fn publishes(&self, name: &str) -> bool {
        match &self.publish {
            Publish::All => true,
            Publish::Only(names) => names.iter().any(|published| published == name),
        }
    }

    /// The bounds of a request's reader.
    #[must_use]
    pub fn request_bounds(&self) -> RequestBounds {
        let prompt_bytes = self.record.prompts.then(|| self.record.text_bytes.min(self.record.total_bytes));
        RequestBounds { reader_bytes: self.limits.reader_bytes, prompt_bytes }
    }

    /// The bounds of a response's reader.
    #[must_use]
    pub const fn keep(&self) -> Keep {
        self.record.keep(&self.limits)
    }

    /// The most bytes of a request's body to `provider`.
    #[must_use]
    pub fn request_body_bytes(&self, provider: &Provider) -> u64 {
        let held = provider.invoke().map_or(u64::MAX, |invoke| invoke.body_bytes);
        self.limits.request_body_bytes.min(held)
    }
}
