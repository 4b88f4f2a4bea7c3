//! Commands by chance: one method for each kind.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::*;
use crate::model::{Credential, CredentialKind, Rule};

/// A command under way; an exporter that has come stays for as long as its [`Present`] is kept.
type Issued = BoxFuture<'static, Option<(&'static str, Present)>>;

impl World {
    /// A command by chance; whether it is granted is not for us to say.
    pub(super) fn command(&mut self, open: &[Arc<Lease>]) -> Issued {
        let name = self.one(&EXPORTERS);
        let client = self.one(&CLIENTS);
        let lease = match open.len() {
            0 => None,
            _ => Some(open[self.below(open.len() as u64) as usize].key.clone()),
        };
        match (self.below(20), lease) {
            (0..=6, _) => self.create_lease(client),
            (7..=9, Some(lease)) => self.end_lease(lease, client),
            (10 | 11, Some(lease)) => self.update_lease(lease),
            (7..=11, None) => async { None }.boxed(),
            (12, _) => self.create_exporter(name),
            (13, _) => self.alter_or_delete_exporter(name),
            (14 | 15, _) => self.connect_exporter(name),
            (16 | 17, _) => self.report(name),
            (18, _) => self.change_client(client),
            _ => self.change_policy(),
        }
    }

    fn create_lease(&mut self, client: &str) -> Issued {
        let lab = self.bench.lab.clone();
        let new = self.wish(client);
        async move { quiet(lab.create_lease(new).await) }.boxed()
    }

    fn end_lease(&mut self, lease: Key, client: &str) -> Issued {
        let lab = self.bench.lab.clone();
        let by = match self.below(3) {
            0 => By::Admin(ADMIN.to_owned()),
            _ => By::Client(client.to_owned()),
        };
        let delete = self.below(2) == 0;
        async move {
            quiet(match delete {
                true => lab.delete_lease(lease, by).await,
                false => lab.release_lease(lease, by).await,
            })
        }
        .boxed()
    }

    fn update_lease(&mut self, lease: Key) -> Issued {
        let lab = self.bench.lab.clone();
        let update = self.update();
        async move { quiet(lab.update_lease(lease, None, update).await) }.boxed()
    }

    fn create_exporter(&mut self, name: &'static str) -> Issued {
        let lab = self.bench.lab.clone();
        let new = NewExporter {
            key: key(name),
            labels: labels(self.one(&BOARDS[..2])),
            username: None,
            migrated: None,
        };
        async move { quiet(lab.create_exporter(new, ADMIN).await) }.boxed()
    }

    fn alter_or_delete_exporter(&mut self, name: &'static str) -> Issued {
        let lab = self.bench.lab.clone();
        let enabled = Some(self.below(2) == 0);
        let gone = self.below(3) == 0;
        async move {
            if gone {
                return quiet(lab.delete_exporter(key(name), ADMIN).await);
            }
            let change = ExporterChange {
                enabled,
                ..ExporterChange::default()
            };
            quiet(lab.alter_exporter(key(name), change, ADMIN).await)
        }
        .boxed()
    }

    fn connect_exporter(&mut self, name: &'static str) -> Issued {
        let lab = self.bench.lab.clone();
        let Some(exporter) = lab.exporter(&key(name)) else {
            return async { None }.boxed();
        };
        async move {
            let device = Device {
                uuid: name.to_owned(),
                parent: None,
                labels: Labels::new(),
            };
            drop(
                lab.register(exporter.uid, Labels::new(), vec![device])
                    .await,
            );
            Some((name, lab.arrive(exporter.uid).await.ok()?))
        }
        .boxed()
    }

    fn report(&mut self, name: &str) -> Issued {
        let lab = self.bench.lab.clone();
        let Some(exporter) = lab.exporter(&key(name)) else {
            return async { None }.boxed();
        };
        let status = self.one(&[
            ExporterStatus::Available,
            ExporterStatus::Available,
            ExporterStatus::LeaseReady,
            ExporterStatus::Offline,
        ]);
        let release = self.below(4) == 0;
        let goodbye = self.below(6) == 0;
        async move {
            if goodbye {
                return quiet(lab.unregister(exporter.uid, String::new()).await);
            }
            quiet(lab.report(exporter.uid, reported(status), release).await)
        }
        .boxed()
    }

    /// Gives the client a credential, then makes or deletes it.
    fn change_client(&mut self, client: &'static str) -> Issued {
        let lab = self.bench.lab.clone();
        let new = NewClient {
            key: key(client),
            labels: labels("team=apps"),
            username: None,
            migrated: None,
            provisioned: false,
        };
        let gone = self.below(3) == 0;
        let credential = Credential {
            jti: self.below(30).to_string(),
            kind: CredentialKind::Client,
            owner: lab
                .client(&key(client))
                .map_or(crate::model::Uid::random(), |client| client.uid),
            label: String::new(),
            key_id: "k".to_owned(),
            issued: self.now(),
            expires: self.now().after(Duration::from_secs(3600)),
            revoked: None,
        };
        async move {
            let grace = Some(Duration::from_secs(60));
            let kept = lab.keep_credential(credential, key(client), grace, ADMIN);
            drop(kept.await);
            quiet(match gone {
                true => lab.delete_client(key(client), ADMIN).await,
                false => lab.create_client(new, ADMIN).await.map(drop),
            })
        }
        .boxed()
    }

    fn change_policy(&mut self) -> Issued {
        let lab = self.bench.lab.clone();
        let apply = self.below(3) == 0;
        let new = NewPolicy {
            key: key("p"),
            exporters: self.one(&BOARDS).parse().unwrap(),
            rules: vec![Rule {
                priority: self.below(3) as i64,
                from: vec!["team=apps".parse().unwrap()],
                ..Rule::default()
            }],
        };
        async move {
            quiet(match apply {
                true => lab.apply_policy(new, ADMIN).await.map(drop),
                false => lab.delete_policy(key("p"), ADMIN).await,
            })
        }
        .boxed()
    }

    fn wish(&mut self, client: &str) -> NewLease {
        let mut new = wanted(client, self.one(&BOARDS));
        new.wish = self.times();
        if self.below(4) == 0 {
            new.name = Some(format!("n{}", self.below(40)));
        }
        if self.below(8) == 0 {
            new.pinned = Some(self.one(&EXPORTERS).to_owned());
            new.selector = "".parse().unwrap();
            new.allow_disabled = self.below(2) == 0;
        }
        new
    }

    fn times(&mut self) -> Wish {
        let duration = Some(Length {
            micros: (1 + self.below(600) as i64) * 1_000_000,
        });
        let begin = (self.below(5) == 0)
            .then(|| Time(self.now().0 + (self.below(400) as i64 - 100) * 1_000_000));
        Wish {
            begin,
            end: None,
            duration,
        }
    }

    fn update(&mut self) -> LeaseUpdate {
        let times = self.times();
        match self.below(4) {
            0 => LeaseUpdate {
                owner: Some(self.one(&CLIENTS).to_owned()),
                ..LeaseUpdate::default()
            },
            1 => LeaseUpdate {
                begin: times.begin,
                ..LeaseUpdate::default()
            },
            2 => LeaseUpdate {
                end: times.begin,
                ..LeaseUpdate::default()
            },
            _ => LeaseUpdate {
                duration: times.duration,
                ..LeaseUpdate::default()
            },
        }
    }
}

fn quiet<T>(_: Result<T, LabError>) -> Option<(&'static str, Present)> {
    None
}
