//! Who may see and do what.

use super::{Hub, Person};
use presence::{Colleague, Sight};
use wire::{Me, Rights, Role};

/// What the configuration says for everybody of a role.
#[derive(Clone, Debug, Default)]
pub(crate) struct Site {
    pub(crate) hide_digits_from: Vec<Role>,
    pub(crate) hide_calls_from: Vec<Role>,
}

/// What somebody may, as far as clients show it.
pub(crate) fn rights(person: &Person, site: &Site, lacking: &[(String, String)]) -> Rights {
    let policy = &person.policy;
    let is_above = person.role >= Role::Supervisor;
    Rights {
        dial: person.extension.is_some(),
        see_calls: policy
            .see_calls
            .unwrap_or_else(|| !site.hide_calls_from.contains(&person.role)),
        see_numbers: policy
            .see_numbers
            .unwrap_or_else(|| !site.hide_digits_from.contains(&person.role)),
        see_log: is_above,
        export_log: is_above,
        administer: person.role == Role::Admin,
        lacking: lacking.to_vec(),
    }
}

/// How much somebody sees of the calls of a colleague, or of nobody's in particular.
pub(crate) fn sight(rights: &Rights, person: &Person, colleague: Option<&Colleague>) -> Sight {
    let groups = &person.policy.see_groups;
    let is_near = groups.is_empty()
        || colleague
            .is_none_or(|colleague| colleague.groups.iter().any(|group| groups.contains(group)));
    match (rights.see_calls && is_near, rights.see_numbers) {
        (false, _) => Sight::Lamps,
        (true, false) => Sight::Masked,
        (true, true) => Sight::All,
    }
}

impl Hub {
    pub(super) fn rights_of(&self, person: &Person) -> Rights {
        let pbx = self.pbx_of(person);
        let lacking = pbx.map(|pbx| self.pbxs[pbx].lacking.as_slice());
        rights(person, &self.policies, lacking.unwrap_or_default())
    }

    pub(super) fn me(&self, person: &Person) -> Me {
        let pbx = self.pbx_of(person).map(|pbx| &self.pbxs[pbx]);
        Me {
            user: person.id.to_string(),
            login: person.login.clone(),
            name: person.name.clone(),
            role: person.role,
            pbx: pbx.map(|pbx| pbx.name.to_string()),
            extension: person.extension.clone(),
            rights: self.rights_of(person),
            dial_plan: pbx.map(|pbx| crate::convert::dial_plan(&pbx.config.dial_plan)),
        }
    }

    /// The phone system where somebody's phone is; who names none is at the first.
    pub(super) fn pbx_of(&self, person: &Person) -> Option<usize> {
        match person.pbx.as_str() {
            "" => (!self.pbxs.is_empty()).then_some(0),
            name => self.pbxs.iter().position(|pbx| &*pbx.name == name),
        }
    }
}
