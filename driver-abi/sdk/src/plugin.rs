//! `plugin!`: what makes a shared library a driver plugin.
//!
//! It exports three symbols: the metadata as text, and two doors to the same functions.

use abi_stable::library::RootModuleResult;
use abi_stable::prefix_type::{PrefixRefTrait, PrefixTypeTrait};
use jumpstarter_driver_abi::{ABI_HASH, ABI_MAJOR, ABI_MINOR, DriverModule, Functions};

use crate::Json;

/// The part of the metadata that tells what the plugin was built with; goes on with a comma.
pub const BUILD: Json = Json::Join(&[
    Json::Raw(r#"{"jmp_abi":"1.0","abi_hash":"#),
    Json::Text(ABI_HASH),
    Json::Raw(r#","kind":"rust","sdk":"#),
    Json::Text(env!("CARGO_PKG_VERSION")),
    Json::Raw(r#","rustc":"#),
    Json::Text(env!("JMP_RUSTC")),
    Json::Raw(r#","target":"#),
    Json::Text(env!("JMP_TARGET")),
    Json::Raw(r#","panic":"#),
    Json::Text(if cfg!(panic = "abort") {
        "abort"
    } else {
        "unwind"
    }),
    Json::Raw(","),
]);

// The text above.
const _: () = assert!(ABI_MAJOR == 1 && ABI_MINOR == 0);

/// What stands behind the door for hosts written in Rust.
pub fn root_module(functions: Functions) -> RootModuleResult {
    let module = DriverModule {
        abi_minor: ABI_MINOR,
        functions,
    };
    // Once per process.
    let module = module.leak_into_prefix();
    // SAFETY: the host checks the layout of the module before it uses it as one.
    RootModuleResult::ROk(unsafe { module.to_prefix_ref().cast() })
}

/// Makes the crate a driver plugin. Once, in the root of a crate of type `cdylib`:
///
/// ```
/// # use jumpstarter_driver::{Context, Driver, NoConfig, Result, driver, plugin};
/// # struct Nothing;
/// # impl Driver for Nothing {
/// #     type Config = NoConfig;
/// #     async fn open(_: NoConfig, _: Context) -> Result<Self> { Ok(Self) }
/// # }
/// # #[driver(type = "acme.driver.Nothing")]
/// # impl Nothing {}
/// plugin! {
///     name: "acme",
///     vendor: "Acme Corp.",   // may be left out
///     license: "MIT",         // may be left out: that of the package
///     drivers: [Nothing],
/// }
/// # fn main() {}
/// ```
///
/// Version and description are those of the package.
#[macro_export]
macro_rules! plugin {
    (
        name: $name:literal,
        $(vendor: $vendor:literal,)?
        $(license: $license:literal,)?
        drivers: [$first:ty $(, $more:ty)* $(,)?] $(,)?
    ) => {
        #[allow(unsafe_code)]
        const _: () = {
            use $crate::__private as sdk;

            const BLOCKING: bool = <$first as $crate::Exports>::BLOCKING
                $(|| <$more as $crate::Exports>::BLOCKING)*;

            const METADATA: $crate::Json = $crate::Json::Join(&[
                sdk::BUILD,
                $crate::Json::Raw("\"name\":"),
                $crate::Json::Text($name),
                $crate::Json::Raw(",\"version\":"),
                $crate::Json::Text(::core::env!("CARGO_PKG_VERSION")),
                $crate::Json::Raw(",\"description\":"),
                $crate::Json::Text(::core::env!("CARGO_PKG_DESCRIPTION")),
                $($crate::Json::Raw(",\"vendor\":"), $crate::Json::Text($vendor),)?
                $crate::Json::Raw(",\"license\":"),
                $crate::Json::Text([$($license,)? ::core::env!("CARGO_PKG_LICENSE")][0]),
                $crate::Json::Raw(",\"blocking\":"),
                $crate::Json::Raw(if BLOCKING { "true" } else { "false" }),
                $crate::Json::Raw(",\"drivers\":["),
                <$first as $crate::Exports>::METADATA,
                $($crate::Json::Raw(","), <$more as $crate::Exports>::METADATA,)*
                $crate::Json::Raw("]}"),
            ]);

            #[unsafe(no_mangle)]
            #[used]
            #[allow(non_upper_case_globals)]
            static jmp_plugin_meta: [u8; METADATA.size() + 1] = METADATA.flatten();

            static INFO: sdk::PluginInfo = sdk::PluginInfo {
                name: $name,
                drivers: &[
                    sdk::Class::of::<$first>(),
                    $(sdk::Class::of::<$more>(),)*
                ],
            };

            unsafe extern "C" fn init(host: *const sdk::Host) -> i32 {
                // SAFETY: passed on from the host, which promises what is asked for.
                unsafe { sdk::init(&INFO, host) }
            }

            const FUNCTIONS: sdk::Functions = sdk::functions(init);

            static PLUGIN: sdk::Plugin = sdk::Plugin::new(FUNCTIONS);

            #[unsafe(no_mangle)]
            extern "C" fn jmp_driver_entry_v1() -> *const sdk::Plugin {
                &PLUGIN
            }

            extern "C" fn root_module() -> sdk::RootModuleResult {
                sdk::root_module(FUNCTIONS)
            }

            // What `abi_stable::export_root_module` would write, with paths that need no
            // dependency of the plugin's own.
            #[unsafe(no_mangle)]
            #[used]
            #[allow(non_upper_case_globals)]
            static _1as_0lib_1header_0root_bmodule_bloader: sdk::LibHeader =
                // SAFETY: `root_module` returns a module of just this type.
                unsafe {
                    sdk::LibHeader::from_constructor::<sdk::DriverModuleRef>(
                        root_module,
                        sdk::CheckTypeLayout::Yes,
                    )
                };
        };
    };
}
