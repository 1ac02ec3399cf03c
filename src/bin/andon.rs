//! andon: arguments and wiring.
#![cfg_attr(all(windows, not(debug_assertions)), windows_subsystem = "windows")]

#[cfg(windows)]
#[path = "andon/console.rs"]
mod console;
#[path = "andon/goodbye.rs"]
mod goodbye;
#[path = "andon/line.rs"]
mod line;
#[path = "andon/picture.rs"]
mod picture;
#[path = "andon/window.rs"]
mod window;

use std::path::PathBuf;
use std::process::ExitCode;

use andon::client::{Demo, Startup, data_folder};
use andon::desktop::theme::Tone;
use andon::desktop::{Options, Route};
use andon::domain::InstanceId;
use andon::domain::instance::Application;
use andon::domain::simulator;
use andon::support::build_info::BUILD;
use andon::support::language::Language;
use andon::support::logging::{self, LogFormat};
use clap::Parser;
use tracing_subscriber::filter::LevelFilter;

/// The desktop app of a test station.
#[derive(Parser)]
#[command(name = "andon", version = BUILD.version)]
struct Arguments {
    /// The instance to open, instead of the default one
    #[arg(long, value_name = "ID", value_parser = InstanceId::parse)]
    instance: Option<InstanceId>,
    /// The application to open, instead of the instance's own
    #[arg(long, value_name = "NAME", value_enum)]
    app: Option<App>,
    /// Full screen, not to be left by accident
    #[arg(long)]
    kiosk: bool,
    /// Where everything is kept
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// The language of the window
    #[arg(long, value_name = "CODE", default_value = "en")]
    lang: String,
    #[arg(long, value_enum, default_value_t = Look::System)]
    theme: Look,
    #[arg(long, value_enum, default_value_t = window::Choice::Auto)]
    renderer: window::Choice,
    /// Show a simulated line; nothing is kept
    #[arg(long)]
    demo: bool,
    /// Draw a screen into a PNG file, without a window
    #[arg(long, value_name = "FILE")]
    picture: Option<PathBuf>,
    /// The picture's size in pixels
    #[arg(long, value_name = "WxH", default_value = "1280x800", value_parser = picture::parse_size)]
    size: (u16, u16),
    /// The screen to open or to draw
    #[arg(long, value_name = "NAME", value_parser = parse_screen)]
    screen: Option<Route>,
    /// Seconds of live data before the picture is drawn
    #[arg(long, value_name = "SECONDS", default_value_t = 3)]
    after: u32,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum App {
    Configurator,
    YieldMonitor,
    PressurePanel,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Look {
    Dark,
    Light,
    System,
}

fn parse_screen(text: &str) -> Result<Route, String> {
    let names: Vec<&str> = Route::ALL.iter().map(|route| route.key()).collect();
    Route::parse(text).ok_or_else(|| format!("the screens are {}", names.join(", ")))
}

/// Freed memory is wiped, so that copies of secrets inside libraries do not outlive their use.
#[global_allocator]
static ALLOCATOR: zeroizing_alloc::ZeroAlloc<std::alloc::System> = zeroizing_alloc::ZeroAlloc(std::alloc::System);

fn main() -> ExitCode {
    #[cfg(windows)]
    console::attach();
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("{sentence}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<(), String> {
    // A second provider is refused, which is as good: one is there.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let temporary = if arguments.demo { Some(demo_folder()?) } else { None };
    let folder = match &temporary {
        Some(folder) => folder.path().to_owned(),
        None => data_folder(arguments.data_dir.clone()),
    };
    let goodbye = goodbye::listen(temporary.as_ref().map(|folder| folder.path().to_owned()));
    let logs = (!arguments.demo).then(|| folder.join("logs"));
    let directives = std::env::var_os("ANDON_LOG").and_then(|text| text.into_string().ok());
    logging::start(directives.as_deref(), LevelFilter::WARN, LogFormat::Text, logs.as_deref())
        .map_err(|error| unwritable(&folder, &error))?;
    let processes = if arguments.demo { simulator::processes().map(|(code, name)| (code, name.to_owned())).to_vec() } else { Vec::new() };
    let line = line::BuiltInLine { data_folder: line::line_folder(&folder), free_port: arguments.demo, processes };
    let line = line.handle().map_err(|error| unwritable(&folder, &error))?;
    let startup = || Startup {
        instance: arguments.instance.clone(),
        line: Some(line.clone()),
        keyring: !arguments.demo,
        demo: arguments.demo.then(Demo::default),
        ..Startup::new(folder.clone())
    };
    let options = options(&arguments);
    match &arguments.picture {
        Some(file) => picture::draw(&startup, options, &picture::Order { file, size: arguments.size, after_secs: arguments.after }),
        None => window::open(&startup, &options, arguments.renderer, &goodbye),
    }
}

fn demo_folder() -> Result<tempfile::TempDir, String> {
    tempfile::Builder::new().prefix("andon-demo-").tempdir().map_err(|error| unwritable(&std::env::temp_dir(), &error))
}

fn unwritable(folder: &std::path::Path, error: &std::io::Error) -> String {
    format!("{} cannot be used: {error}. Choose another folder with --data-dir.", folder.display())
}

fn options(arguments: &Arguments) -> Options {
    let language = Language::find(&arguments.lang).unwrap_or_else(|| {
        tracing::warn!(code = arguments.lang, "this build does not have the language; English is used");
        Language::english()
    });
    let application = arguments.app.map(|app| match app {
        App::Configurator => Application::Configurator,
        App::YieldMonitor => Application::YieldMonitor,
        App::PressurePanel => Application::PressurePanel,
    });
    let tone = match arguments.theme {
        Look::Dark => Some(Tone::Dark),
        Look::Light => Some(Tone::Light),
        Look::System => None,
    };
    Options { application, route: arguments.screen, kiosk: arguments.kiosk, tone, language, ..Options::default() }
}
