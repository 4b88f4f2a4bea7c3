//! The Rust door: an `abi_stable` root module, whose layout the host checks before it calls.

use abi_stable::{
    StableAbi, library::RootModule, package_version_strings, sabi_types::VersionStrings,
};

use crate::Functions;

/// [`RootModule::NAME`] of a driver plugin.
pub const ROOT_MODULE_NAME: &str = "driver plugin";

/// The root module. Frozen: growth happens through extensions.
#[repr(C)]
#[derive(Clone, Copy, Debug, StableAbi)]
#[sabi(kind(Prefix(prefix_ref = DriverModuleRef, prefix_fields = DriverModulePrefix)))]
#[sabi(missing_field(panic))]
pub struct DriverModule {
    /// [`ABI_MINOR`](crate::ABI_MINOR) the plugin was built against.
    pub abi_minor: u32,
    /// The functions.
    #[sabi(last_prefix_field)]
    pub functions: Functions,
}

impl RootModule for DriverModuleRef {
    abi_stable::declare_root_module_statics! {DriverModuleRef}

    const BASE_NAME: &'static str = "jumpstarter_driver";
    const NAME: &'static str = ROOT_MODULE_NAME;
    const VERSION_STRINGS: VersionStrings = package_version_strings!();
}
