//! Values that must not be shown: what error messages and samples are cleaned of before they leave the thread.

use squall_plan::{AuthKind, Part, Plan, Secret, Slot, Step, Template};

/// Shorter values are no secrets, and masking them would riddle every text.
const SHORTEST: usize = 4;

/// Every secret of a plan, in each spelling in which it can travel; longer ones first.
#[derive(Debug, Default)]
pub(crate) struct Secrets(Vec<String>);

impl Secrets {
    pub(crate) fn of(plan: &Plan) -> Self {
        let mut secrets = Self::default();
        for auth in &plan.auths {
            match &auth.kind {
                AuthKind::Bearer(template) => secrets.add_template(template),
                AuthKind::Jwt { secret, claims, .. } => {
                    secrets.add(secret);
                    claims.iter().for_each(|(_, claim)| secrets.add_template(claim));
                }
            }
        }
        for class in &plan.classes {
            class.headers.iter().for_each(|(_, template)| secrets.add_template(template));
            let tasks = class.tasks.iter().flat_map(|task| &task.steps);
            for step in class.on_start.iter().chain(tasks).chain(&class.on_stop) {
                if let Step::Request(request) = step {
                    secrets.add_template(&request.url);
                    request.headers.iter().for_each(|(_, template)| secrets.add_template(template));
                    request.body.iter().for_each(|body| secrets.add_template(&body.template));
                }
            }
        }
        secrets.0.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets.0.dedup();
        secrets
    }

    fn add_template(&mut self, template: &Template) {
        for part in &template.parts {
            if let Part::Slot { slot: Slot::Env(secret), .. } = part {
                self.add(secret);
            }
        }
    }

    fn add(&mut self, secret: &Secret) {
        let value = secret.expose();
        if value.len() < SHORTEST {
            return;
        }
        let encoded: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
        // The one writes a space as `+`, path segments as `%20`.
        let in_paths = encoded.replace('+', "%20");
        self.0.extend([value.to_owned(), encoded, in_paths]);
    }

    /// `text` with every secret in it, and the user's own `token`, replaced by the mask.
    pub(crate) fn mask(&self, mut text: String, token: &str) -> String {
        if token.len() >= SHORTEST {
            text = text.replace(token, Secret::MASK);
        }
        for secret in &self.0 {
            if text.contains(secret) {
                text = text.replace(secret, Secret::MASK);
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_in_every_spelling() {
        let mut secrets = Secrets::default();
        secrets.add(&Secret::new("p/ss wörd"));
        secrets.add(&Secret::new("abc"));
        let text = "GET /p%2Fss%20w%C3%B6rd?x=p%2Fss+w%C3%B6rd: 'p/ss wörd' Bearer tok.en abc".to_owned();
        assert_eq!(secrets.mask(text, "tok.en"), "GET /***?x=***: '***' Bearer *** abc");
    }
}
