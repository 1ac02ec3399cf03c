//! Where the window can be, and who may be there: a tab shows where the one access table says so, and nowhere else.

use super::widgets::icon::Icon;
use crate::client::SessionSlice;
use crate::domain::access::Permission;
use crate::domain::instance::Application;

/// A screen with a place in the rail. Login is no route: it is where one is without a station.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Route {
    Overview,
    Yield,
    Reports,
    Queue,
    Chat,
    Users,
    Stations,
    Audit,
    Connection,
    Instances,
    Me,
    About,
}

impl Route {
    /// In the rail's order.
    pub const ALL: [Route; 12] = [
        Route::Overview,
        Route::Yield,
        Route::Reports,
        Route::Queue,
        Route::Chat,
        Route::Users,
        Route::Stations,
        Route::Audit,
        Route::Connection,
        Route::Instances,
        Route::Me,
        Route::About,
    ];

    /// What one must be allowed to do to see it; `None` is open to all.
    pub fn permission(self) -> Option<Permission> {
        match self {
            Route::Overview | Route::Yield | Route::Reports | Route::Connection => Some(Permission::ViewYield),
            Route::Queue => Some(Permission::SubmitReports),
            Route::Chat => Some(Permission::Chat),
            Route::Instances => Some(Permission::ManageInstances),
            Route::Users => Some(Permission::ManageUsers),
            Route::Stations => Some(Permission::ViewStations),
            Route::Audit => Some(Permission::ReadAudit),
            Route::Me | Route::About => None,
        }
    }

    /// Whether it is about persons: only a line server knows any, and it answers them by name alone.
    pub fn needs_person(self) -> bool {
        matches!(self, Route::Chat | Route::Users | Route::Stations | Route::Audit | Route::Me)
    }

    /// The name in the language file and on the command line.
    pub fn key(self) -> &'static str {
        match self {
            Route::Overview => "overview",
            Route::Yield => "yield",
            Route::Reports => "reports",
            Route::Queue => "queue",
            Route::Chat => "chat",
            Route::Users => "users",
            Route::Stations => "stations",
            Route::Audit => "audit",
            Route::Connection => "connection",
            Route::Instances => "instances",
            Route::Me => "me",
            Route::About => "about",
        }
    }

    /// The word in the rail: short enough for a narrow one.
    pub fn rail_key(self) -> &'static str {
        match self {
            Route::Overview => "shell.rail.overview",
            Route::Yield => "shell.rail.yield",
            Route::Reports => "shell.rail.reports",
            Route::Queue => "shell.rail.queue",
            Route::Chat => "shell.rail.chat",
            Route::Users => "shell.rail.users",
            Route::Stations => "shell.rail.stations",
            Route::Audit => "shell.rail.audit",
            Route::Connection => "shell.rail.connection",
            Route::Instances => "shell.rail.instances",
            Route::Me => "shell.rail.me",
            Route::About => "shell.rail.about",
        }
    }

    pub fn icon(self) -> Icon {
        match self {
            Route::Overview => Icon::Overview,
            Route::Yield => Icon::Yield,
            Route::Reports => Icon::Reports,
            Route::Queue => Icon::Queue,
            Route::Chat => Icon::Chat,
            Route::Users => Icon::Users,
            Route::Stations => Icon::Key,
            Route::Audit => Icon::Audit,
            Route::Connection => Icon::Connection,
            Route::Instances => Icon::Instances,
            Route::Me => Icon::Me,
            Route::About => Icon::About,
        }
    }

    pub fn parse(text: &str) -> Option<Route> {
        Route::ALL.into_iter().find(|route| route.key() == text)
    }

    /// The routes of an application, in the rail's order. The first is where it opens.
    fn of(application: Application) -> &'static [Route] {
        match application {
            Application::Configurator => &Route::ALL,
            Application::YieldMonitor => &[Route::Yield, Route::Connection, Route::About],
            Application::PressurePanel => {
                &[Route::Overview, Route::Yield, Route::Queue, Route::Chat, Route::Connection, Route::Me, Route::About]
            }
        }
    }

    /// What is seen in `application` by whoever is there.
    pub fn visible(application: Application, session: &SessionSlice) -> Vec<Route> {
        // What a person does in his own name is asked of the server: who came without it has to come again.
        let asks_in_his_name = session.person.is_some() && !session.is_offline();
        // The chat keeps its place, where a sentence says what it needs.
        let told_there =
            |route: Route| route == Route::Chat && session.is_offline() && session.role().is_some_and(|role| role.may(Permission::Chat));
        let allowed = |route: &Route| match route.permission() {
            _ if told_there(*route) => true,
            _ if route.needs_person() && !asks_in_his_name => false,
            None => true,
            Some(permission) => session.may(permission),
        };
        Route::of(application).iter().copied().filter(allowed).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{Person, Station};
    use crate::domain::access::Role;

    /// A station, and somebody of `role` on top of it unless that is the station itself.
    fn session(role: Role, has_roles: bool) -> SessionSlice {
        let station = Station { application: Application::Configurator, remembered: true, token_mask: String::new(), has_roles };
        let person =
            (role != Role::Station).then(|| Person { name: "ann".to_owned(), role, since: chrono::DateTime::UNIX_EPOCH, offline: false });
        SessionSlice { station: Some(station), person, ..SessionSlice::default() }
    }

    #[test]
    fn a_tab_shows_exactly_where_the_access_table_says_so() {
        for application in Application::ALL {
            for role in Role::ALL {
                let visible = Route::visible(application, &session(role, true));
                for route in Route::of(application) {
                    let allowed = route.permission().is_none_or(|permission| role.may(permission));
                    let expected = allowed && (role != Role::Station || !route.needs_person());
                    assert_eq!(visible.contains(route), expected, "{role:?} {route:?}");
                }
            }
        }
        assert_eq!(Route::visible(Application::Configurator, &session(Role::Guest, true)), [Route::Chat, Route::Me, Route::About]);
    }

    #[test]
    fn who_came_without_the_server_sees_what_the_station_shows() {
        for role in [Role::Operator, Role::Superuser] {
            let mut session = session(role, true);
            session.person.as_mut().unwrap().offline = true;
            let station = self::session(Role::Station, true);
            for application in Application::ALL {
                let mut visible = Route::visible(application, &session);
                visible.retain(|route| *route != Route::Chat);
                assert_eq!(visible, Route::visible(application, &station), "{role:?}: and where the chat would be, what it needs");
            }
            let acts: Vec<_> = Permission::all().filter(|permission| session.may_act(*permission)).collect();
            assert_eq!(acts, [Permission::AckAlerts, Permission::RunTests], "{role:?}");
        }
    }

    #[test]
    fn a_server_without_roles_has_nobody_to_administer() {
        let visible = Route::visible(Application::Configurator, &session(Role::Station, false));
        assert!(visible.contains(&Route::Instances) && !visible.iter().any(|route| route.needs_person()), "{visible:?}");
    }

    #[test]
    fn names_lead_back_to_their_screens() {
        for route in Route::ALL {
            assert_eq!(Route::parse(route.key()), Some(route));
        }
        assert_eq!(Route::parse("nowhere"), None);
    }
}
