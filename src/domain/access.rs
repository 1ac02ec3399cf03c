//! Who may do what: the roles, the permissions, and the one table between them.
//! The server enforces it, the window hides by it, the command line explains by it.

use serde::{Deserialize, Serialize};

/// What a caller is. `Technician` keeps its spelling `SERWISANT` on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Role {
    Guest,
    Station,
    Operator,
    Admin,
    #[serde(rename = "SERWISANT")]
    Technician,
    Superuser,
}

/// One thing that a caller may be allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    Chat,
    ViewSensors,
    ViewAlerts,
    ViewYield,
    SubmitReports,
    IngestReadings,
    AckAlerts,
    RunTests,
    EnrollStations,
    LeaveKiosk,
    ShelveAlerts,
    ServiceMode,
    Calibration,
    Diagnostics,
    ManageTests,
    ManageReports,
    EditTargets,
    ManageUsers,
    ManageTokens,
    ViewStations,
    ReadAudit,
    ManageInstances,
    EditConverters,
    EditPools,
    ManageSoftware,
    ConfigEdit,
    FullSystemAccess,
}

use Permission as P;
use Role as R;

/// The table: a permission and the roles that have it. Everything else reads this.
const TABLE: &[(Permission, &[Role])] = &[
    (P::Chat, &[R::Guest, R::Operator, R::Admin, R::Technician, R::Superuser]),
    (P::ViewSensors, VIEWERS),
    (P::ViewAlerts, VIEWERS),
    (P::ViewYield, VIEWERS),
    (P::SubmitReports, VIEWERS),
    (P::IngestReadings, &[R::Station, R::Superuser]),
    (P::AckAlerts, PERSONS),
    (P::RunTests, PERSONS),
    (P::EnrollStations, PERSONS),
    (P::LeaveKiosk, &[R::Admin, R::Technician, R::Superuser]),
    (P::ShelveAlerts, TECHNICAL),
    (P::ServiceMode, TECHNICAL),
    (P::Calibration, TECHNICAL),
    (P::Diagnostics, TECHNICAL),
    (P::ManageTests, ADMINISTRATIVE),
    (P::ManageReports, ADMINISTRATIVE),
    (P::EditTargets, ADMINISTRATIVE),
    (P::ManageUsers, ADMINISTRATIVE),
    (P::ManageTokens, ADMINISTRATIVE),
    (P::ViewStations, ADMINISTRATIVE),
    (P::ReadAudit, ADMINISTRATIVE),
    (P::ManageInstances, ADMINISTRATIVE),
    (P::EditConverters, ADMINISTRATIVE),
    (P::EditPools, ADMINISTRATIVE),
    (P::ManageSoftware, ADMINISTRATIVE),
    (P::ConfigEdit, &[R::Superuser]),
    (P::FullSystemAccess, &[R::Superuser]),
];
const VIEWERS: &[Role] = &[R::Station, R::Operator, R::Admin, R::Technician, R::Superuser];
const PERSONS: &[Role] = &[R::Operator, R::Admin, R::Technician, R::Superuser];
const TECHNICAL: &[Role] = &[R::Technician, R::Superuser];
const ADMINISTRATIVE: &[Role] = &[R::Admin, R::Superuser];

/// What a person may do who signed in while the server was gone, as far as his role may do it at all.
pub const WITHOUT_SERVER: [Permission; 2] = [P::AckAlerts, P::RunTests];

impl Role {
    pub const ALL: [Role; 6] = [R::Guest, R::Station, R::Operator, R::Admin, R::Technician, R::Superuser];

    pub fn may(self, permission: Permission) -> bool {
        TABLE.iter().any(|(p, roles)| *p == permission && roles.contains(&self))
    }

    /// The same of a person who signed in while the server was gone: little, and nothing that has to be asked of the server.
    pub fn may_without_server(self, permission: Permission) -> bool {
        WITHOUT_SERVER.contains(&permission) && self.may(permission)
    }

    /// In the table's order.
    pub fn permissions(self) -> Vec<Permission> {
        let mut permissions = Vec::with_capacity(TABLE.len());
        permissions.extend(TABLE.iter().filter(|(_, roles)| roles.contains(&self)).map(|(p, _)| *p));
        permissions
    }

    /// Whether this role may give `other` to an account, or change an account that has it: nobody lifts anybody above himself,
    /// and a station is no person.
    pub fn may_manage(self, other: Role) -> bool {
        self.may(P::ManageUsers) && other != R::Station && (other != R::Superuser || self == R::Superuser)
    }

    /// Seconds without input after which a person's session locks; a station's never does.
    pub fn idle_limit_secs(self) -> Option<u32> {
        match self {
            R::Station => None,
            R::Guest | R::Operator => Some(30 * 60),
            R::Admin => Some(60 * 60),
            R::Superuser => Some(120 * 60),
            R::Technician => Some(240 * 60),
        }
    }

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            R::Guest => "GUEST",
            R::Station => "STATION",
            R::Operator => "OPERATOR",
            R::Admin => "ADMIN",
            R::Technician => "SERWISANT",
            R::Superuser => "SUPERUSER",
        }
    }
}

impl std::str::FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        Role::ALL.into_iter().find(|role| role.as_str().eq_ignore_ascii_case(text)).ok_or_else(|| UnknownRole(text.to_owned()))
    }
}

#[derive(Debug, thiserror::Error, PartialEq)]
#[error("{0:?} is not a role; the roles are GUEST, STATION, OPERATOR, ADMIN, SERWISANT and SUPERUSER")]
pub struct UnknownRole(pub String);

impl Permission {
    /// Every permission, in the table's order.
    pub fn all() -> impl Iterator<Item = Permission> {
        TABLE.iter().map(|(p, _)| *p)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_may_only_chat() {
        assert_eq!(Role::Guest.permissions(), [Permission::Chat]);
    }

    #[test]
    fn a_superuser_may_do_everything() {
        assert_eq!(Role::Superuser.permissions(), Permission::all().collect::<Vec<_>>());
    }

    #[test]
    fn a_station_looks_and_reports_and_acts_on_nothing() {
        let expected = [P::ViewSensors, P::ViewAlerts, P::ViewYield, P::SubmitReports, P::IngestReadings];
        assert_eq!(Role::Station.permissions(), expected);
        assert_eq!(Role::Station.idle_limit_secs(), None);
    }

    #[test]
    fn without_the_server_a_person_acknowledges_and_tests_and_nothing_else() {
        for role in Role::ALL {
            let may: Vec<_> = Permission::all().filter(|permission| role.may_without_server(*permission)).collect();
            let expected = if PERSONS.contains(&role) { vec![P::AckAlerts, P::RunTests] } else { Vec::new() };
            assert_eq!(may, expected, "{role:?}");
        }
    }

    #[test]
    fn nobody_lifts_anybody_above_himself() {
        let manages = |role: Role| Role::ALL.into_iter().filter(|other| role.may_manage(*other)).collect::<Vec<_>>();
        assert_eq!(manages(R::Admin), [R::Guest, R::Operator, R::Admin, R::Technician]);
        assert_eq!(manages(R::Superuser), [R::Guest, R::Operator, R::Admin, R::Technician, R::Superuser]);
        for role in [R::Guest, R::Station, R::Operator, R::Technician] {
            assert_eq!(manages(role), []);
        }
    }

    #[test]
    fn every_role_keeps_its_spelling_on_the_wire() {
        for role in Role::ALL {
            assert_eq!(serde_json::to_value(role).unwrap(), role.as_str());
            assert_eq!(role.as_str().parse(), Ok(role));
        }
    }
}
