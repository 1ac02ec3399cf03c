//! Where the window can be, and who may be there: a tab shows where the one access table says so, and nowhere else.

use super::widgets::icon::Icon;
use crate::domain::access::{Permission, Role};
use crate::domain::instance::Application;

/// A screen with a place in the rail. Login is no route: it is where one is without a station.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Route {
    Overview,
    Yield,
    Reports,
    Queue,
    Connection,
    Instances,
    About,
}

impl Route {
    /// In the rail's order.
    pub const ALL: [Route; 7] =
        [Route::Overview, Route::Yield, Route::Reports, Route::Queue, Route::Connection, Route::Instances, Route::About];

    /// What one must be allowed to do to see it; `None` is open to all.
    pub fn permission(self) -> Option<Permission> {
        match self {
            Route::Overview | Route::Yield | Route::Reports | Route::Connection => Some(Permission::ViewYield),
            Route::Queue => Some(Permission::SubmitReports),
            Route::Instances => Some(Permission::ManageInstances),
            Route::About => None,
        }
    }

    /// The name in the language file and on the command line.
    pub fn key(self) -> &'static str {
        match self {
            Route::Overview => "overview",
            Route::Yield => "yield",
            Route::Reports => "reports",
            Route::Queue => "queue",
            Route::Connection => "connection",
            Route::Instances => "instances",
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
            Route::Connection => "shell.rail.connection",
            Route::Instances => "shell.rail.instances",
            Route::About => "shell.rail.about",
        }
    }

    pub fn icon(self) -> Icon {
        match self {
            Route::Overview => Icon::Overview,
            Route::Yield => Icon::Yield,
            Route::Reports => Icon::Reports,
            Route::Queue => Icon::Queue,
            Route::Connection => Icon::Connection,
            Route::Instances => Icon::Instances,
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
            Application::PressurePanel => &[Route::Overview, Route::Yield, Route::Queue, Route::Connection, Route::About],
        }
    }

    /// What `role` sees in `application`.
    pub fn visible(application: Application, role: Option<Role>) -> Vec<Route> {
        let allowed = |route: &Route| match route.permission() {
            None => true,
            Some(permission) => role.is_some_and(|role| role.may(permission)),
        };
        Route::of(application).iter().copied().filter(allowed).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tab_shows_exactly_where_the_access_table_says_so() {
        for application in Application::ALL {
            for role in Role::ALL {
                let visible = Route::visible(application, Some(role));
                for route in Route::of(application) {
                    let expected = route.permission().is_none_or(|permission| role.may(permission));
                    assert_eq!(visible.contains(route), expected, "{role:?} {route:?}");
                }
            }
        }
        assert_eq!(Route::visible(Application::Configurator, Some(Role::Guest)), [Route::About]);
        assert!(!Route::visible(Application::Configurator, Some(Role::Operator)).contains(&Route::Instances));
    }

    #[test]
    fn names_lead_back_to_their_screens() {
        for route in Route::ALL {
            assert_eq!(Route::parse(route.key()), Some(route));
        }
        assert_eq!(Route::parse("nowhere"), None);
    }
}
