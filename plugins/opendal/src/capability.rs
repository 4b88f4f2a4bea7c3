//! What a storage can do, in the words of the Python client's model, which wants every key.

use jumpstarter_driver::Schema;
use serde::{Deserialize, Serialize};

macro_rules! capability {
    ($($flag:ident)* ; $($size:ident)*) => {
        /// What a storage can do.
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, Schema)]
        pub(crate) struct Capability {
            $(pub(crate) $flag: bool,)*
            $(pub(crate) $size: Option<u64>,)*
            /// Whether there are blocking calls, too, which there are for every storage.
            pub(crate) blocking: bool,
        }

        impl From<opendal::Capability> for Capability {
            fn from(storage: opendal::Capability) -> Self {
                let capability = Self {
                    $($flag: storage.$flag,)*
                    $($size: storage.$size.and_then(|size| size.try_into().ok()),)*
                    blocking: true,
                };
                // `open` takes neither, whatever the storage could do with them.
                Self {
                    write_with_content_type: false,
                    write_with_content_disposition: false,
                    write_with_cache_control: false,
                    ..capability
                }
            }
        }
    };
}

capability! {
    stat stat_with_if_match stat_with_if_none_match
    read read_with_if_match read_with_if_none_match
    read_with_override_cache_control read_with_override_content_disposition
    read_with_override_content_type
    write write_can_multi write_can_empty write_can_append
    write_with_content_type write_with_content_disposition write_with_cache_control
    create_dir delete copy rename
    list list_with_limit list_with_start_after list_with_recursive
    presign presign_read presign_stat presign_write
    shared
    ;
    write_multi_max_size write_multi_min_size write_total_max_size
}

// === impl Capability ===

impl Capability {
    /// Of a directory.
    pub(crate) fn folder() -> Self {
        Self {
            stat: true,
            read: true,
            write: true,
            write_can_multi: true,
            write_can_empty: true,
            write_can_append: true,
            create_dir: true,
            delete: true,
            copy: true,
            rename: true,
            list: true,
            shared: true,
            blocking: true,
            ..Self::default()
        }
    }
}
