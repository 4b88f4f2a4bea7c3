//! `hooks:` and what is below it.

use super::{Fields, Reader, Trail, Unknown};
use crate::config::{Hook, Hooks, Member, Node, OnFailure, yaml::Value};

// === impl Reader ===

impl Reader {
    pub(super) fn hooks(&mut self, trail: &Trail<'_>, node: &Node) -> Hooks {
        let mut fields = self.fields(trail, node);
        let before = self.either(&mut fields, trail, "beforeLease", "before_lease");
        let after = self.either(&mut fields, trail, "afterLease", "after_lease");
        let hooks = Hooks {
            before_lease: before.and_then(|member| self.hook_or_null(trail, member)),
            after_lease: after.and_then(|member| self.hook_or_null(trail, member)),
        };
        fields.finish(
            self,
            trail,
            Unknown::Ignore("; hooks are `beforeLease` and `afterLease`"),
        );
        hooks
    }

    fn hook_or_null(&mut self, trail: &Trail<'_>, member: &Member) -> Option<Hook> {
        let trail = trail.key(&member.key, member.place);
        match &member.value.value {
            Value::Null => None,
            Value::Text(_) => {
                let message =
                    "expected a mapping, found a text; write the script below a `script:` key";
                self.mistake(member.value.place, &trail, message);
                None
            }
            _ => Some(self.hook(&trail, &member.value)),
        }
    }

    fn hook(&mut self, trail: &Trail<'_>, node: &Node) -> Hook {
        let mut fields = self.fields(trail, node);
        let script = fields.take("script");
        let exec = self.either(&mut fields, trail, "exec", "exec_");
        let timeout = fields.take("timeout");
        let on_failure = self.either(&mut fields, trail, "onFailure", "on_failure");
        if script.is_none() && matches!(node.value, Value::Map(_)) {
            self.mistake(trail.place, trail, "`script` is missing");
        }
        let hook = Hook {
            script: script.map_or_else(String::new, |member| {
                self.text(&trail.key("script", member.place), &member.value)
            }),
            exec: exec.and_then(|member| {
                self.text_or_null(&trail.key("exec", member.place), &member.value)
            }),
            timeout: timeout.map_or(Hook::TIMEOUT, |member| self.timeout(trail, member)),
            on_failure: on_failure
                .and_then(|member| {
                    let trail = trail.key(&member.key, member.place);
                    self.choice(&trail, &member.value, &OnFailure::NAMES)
                })
                .unwrap_or_default(),
        };
        fields.finish(self, trail, Unknown::Ignore(""));
        hook
    }

    fn timeout(&mut self, trail: &Trail<'_>, member: &Member) -> i64 {
        let trail = trail.key("timeout", member.place);
        let seconds = self.integer(&trail, &member.value);
        if seconds <= 0 && matches!(member.value.value, Value::Int(_)) {
            let message = "no hook is quick enough for this; give it a second or more";
            self.warn(member.value.place, &trail, message);
        }
        seconds
    }

    /// A key that has two spellings; the first wins.
    pub(super) fn either<'n>(
        &mut self,
        fields: &mut Fields<'n>,
        trail: &Trail<'_>,
        name: &'static str,
        other: &str,
    ) -> Option<&'n Member> {
        let (first, second) = (fields.take(name), fields.take_quietly(other));
        if let (Some(_), Some(second)) = (first, second) {
            let message = format!("ignored, because `{name}` is given too");
            self.warn(second.place, &trail.key(&second.key, second.place), message);
        }
        first.or(second)
    }
}
