//! Settings that count only from the next start on, because ports are open, files are held, and peers
//! rely on them.

use super::Config;

// === impl Config ===

impl Config {
    /// Copies from `running` whatever cannot change while the program runs; returns the names of the
    /// settings that would have changed.
    pub fn keep_fixed(&mut self, running: &Self) -> Vec<&'static str> {
        let mut kept = Vec::new();
        keep(
            &mut kept,
            "namespace",
            &mut self.namespace,
            &running.namespace,
        );
        keep(&mut kept, "data_dir", &mut self.data_dir, &running.data_dir);
        keep(&mut kept, "listen", &mut self.listen, &running.listen);
        keep(
            &mut kept,
            "public_endpoints",
            &mut self.public,
            &running.public,
        );
        keep(&mut kept, "tls", &mut self.tls, &running.tls);
        keep(
            &mut kept,
            "grpc.keepalive",
            &mut self.keepalive,
            &running.keepalive,
        );
        keep(
            &mut kept,
            "limits.tunnel_grace",
            &mut self.tunnel_grace,
            &running.tunnel_grace,
        );
        keep(
            &mut kept,
            "limits.connections_per_address",
            &mut self.connections,
            &running.connections,
        );
        keep(
            &mut kept,
            "authentication.internal.prefix",
            &mut self.internal_prefix,
            &running.internal_prefix,
        );
        kept
    }
}

fn keep<T: Clone + PartialEq>(
    kept: &mut Vec<&'static str>,
    name: &'static str,
    wanted: &mut T,
    running: &T,
) {
    if wanted != running {
        kept.push(name);
        wanted.clone_from(running);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_stay_and_labels_change() {
        let running = Config::default();
        let mut wanted = Config {
            most_tags: 3,
            ..Config::default()
        };
        assert!(wanted.keep_fixed(&running).is_empty());
        wanted.listen.grpc = None;
        wanted.namespace = "other".to_owned();
        assert_eq!(wanted.keep_fixed(&running), ["namespace", "listen"]);
        assert_eq!((wanted.listen, wanted.most_tags), (running.listen, 3));
    }
}
