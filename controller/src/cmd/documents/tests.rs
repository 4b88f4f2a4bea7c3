#![allow(clippy::unwrap_used)]

use super::*;

/// As `kubectl get clients,exporters,exporteraccesspolicies,leases -o yaml` prints it.
const KUBERNETES: &str = r"
apiVersion: v1
kind: List
items:
- apiVersion: jumpstarter.dev/v1alpha1
  kind: Client
  metadata:
    creationTimestamp: '2026-08-01T08:00:00Z'
    generation: 1
    labels: {team: a}
    name: alice
    namespace: jumpstarter-lab
    resourceVersion: '1234'
    uid: 6f1c2a3e-0000-4000-8000-000000000001
  spec: {username: 'dex:alice'}
  status: {credential: {name: alice-client}, endpoint: 'grpc.lab:443'}
- apiVersion: jumpstarter.dev/v1alpha1
  kind: Exporter
  metadata:
    annotations: {jumpstarter.dev/migrated-uid: 6f1c2a3e-0000-4000-8000-00000000000f}
    labels: {board: rpi}
    name: rack-1
    namespace: jumpstarter-lab
    uid: 6f1c2a3e-0000-4000-8000-000000000002
  spec: {enabled: false}
- apiVersion: jumpstarter.dev/v1alpha1
  kind: Exporter
  metadata: {name: rack-2, namespace: jumpstarter-lab}
- apiVersion: jumpstarter.dev/v1alpha1
  kind: ExporterAccessPolicy
  metadata: {name: team-a, namespace: jumpstarter-lab}
  spec:
    exporterSelector: {matchLabels: {board: rpi}}
    policies: [{priority: 5, from: [{clientSelector: {matchLabels: {team: a}}}]}]
- apiVersion: jumpstarter.dev/v1alpha1
  kind: Lease
  metadata: {name: running, namespace: jumpstarter-lab}
  spec:
    clientRef: {name: alice}
    duration: 1h30m0s
    selector: {matchLabels: {board: rpi}, matchExpressions: [{key: broken, operator: DoesNotExist}]}
    tags: {build: '7'}
  status: {ended: false, exporterRef: {name: rack-1}}
- apiVersion: jumpstarter.dev/v1alpha1
  kind: Lease
  metadata: {name: over, namespace: jumpstarter-lab}
  spec: {clientRef: {name: alice}, duration: 1h0m0s, selector: {matchLabels: {board: rpi}}}
  status: {ended: true}
- {apiVersion: v1, kind: Secret, metadata: {name: alice-client}, data: {token: eA==}}
";

#[test]
fn a_lab_of_kubernetes_is_understood() {
    let (all, skipped) = read(KUBERNETES, "here").unwrap();
    let [alice] = &all.clients[..] else {
        panic!("{all:?}")
    };
    assert_eq!(alice.namespace, "jumpstarter-lab");
    assert_eq!(alice.uid, "6f1c2a3e-0000-4000-8000-000000000001");
    assert_eq!(alice.username.as_deref(), Some("dex:alice"));
    let [first, second] = &all.exporters[..] else {
        panic!("{all:?}")
    };
    assert!(!first.enabled && second.enabled);
    assert_eq!(
        first.migrated_uid.as_deref(),
        Some("6f1c2a3e-0000-4000-8000-00000000000f")
    );
    assert_eq!(all.policies[0].spec.policies[0].priority, 5);
    let [lease] = &all.leases[..] else {
        panic!("those that are over stay away: {all:?}")
    };
    assert_eq!(lease.selector, "board=rpi,!broken");
    assert_eq!(lease.duration, Some(5400.0));
    assert_eq!(lease.tags["build"], "7");
    let [Skipped(secret)] = &skipped[..] else {
        panic!("one thing is none of ours")
    };
    assert_eq!(secret, "Secret here/alice-client");
}

#[test]
fn what_is_written_can_be_read() {
    let (all, _) = read(KUBERNETES, "here").unwrap();
    let documents = write(&all);
    let texts = documents
        .iter()
        .map(|document| format!("---\n{}", serde_yaml::to_string(document).unwrap()));
    let (again, skipped) = read(&texts.collect::<String>(), "elsewhere").unwrap();
    assert!(skipped.is_empty());
    assert_eq!(write(&again), documents);
    assert_eq!(documents.len(), 5);
}

#[test]
fn mistakes_name_the_object() {
    for (text, words) in [
        ("kind: Client\nmetadata: {}", "document 1: an object needs"),
        (
            "kind: Client\nmetadata: {name: a}\n---\nkind: Client\nmetadata: {name: b}\nspec: {usrname: x}",
            "document 2 (Client here/b): spec: unknown field `usrname`",
        ),
        (
            "kind: Lease\nmetadata: {name: l}\nspec: {clientRef: {name: a}, duration: 1d}",
            "(Lease here/l): spec.duration: `1d` is no length of time",
        ),
        (
            "kind: ExporterAccessPolicy\nmetadata: {name: p}\nspec: {policies: [{maximumDuration: x}]}",
            "spec: policies[0].maximumDuration",
        ),
        ("kind: [", "document 1: "),
    ] {
        let told = read(text, "here").map(|_| ()).unwrap_err();
        assert!(told.contains(words), "{told}");
    }
}
