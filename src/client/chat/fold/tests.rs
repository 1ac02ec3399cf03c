//! Every order in which events and answers can come.

use proptest::prelude::*;
use uuid::Uuid;

use super::unsent::WAITING;
use super::*;
use crate::client::explain::Explanation;
use crate::client::live::Unsent;
use crate::protocol::chat::History;

const ME: &str = "me";

fn message(n: u32, room: &str, user_id: &str) -> Message {
    Message {
        id: format!("{n:08}"),
        from: user_id.to_owned(),
        user_id: user_id.to_owned(),
        room: room.to_owned(),
        kind: if n.is_multiple_of(10) { MessageKind::Note } else { MessageKind::Message },
        content: n.to_string(),
        timestamp: "2026-03-10T14:00:00Z".to_owned(),
    }
}

fn page(numbers: impl IntoIterator<Item = u32>, more: bool) -> Result<History, Explanation> {
    Ok(History { messages: numbers.into_iter().map(|n| message(n, "line", "ann")).collect(), more, searched_to: None })
}

fn row(room: &str, unread: i64, read: Option<u32>, last: Option<u32>) -> RoomRow {
    let id = |n: Option<u32>| n.map(|n| format!("{n:08}"));
    RoomRow { room: room.to_owned(), unread, read: id(read), last: id(last) }
}

fn live() -> LiveEvent {
    LiveEvent::State(LiveState::Live)
}

fn fold() -> Fold {
    Fold::new(ME, "eol@pc", Marks::new())
}

fn hear(fold: &mut Fold, event: LiveEvent) {
    fold.hear(event, DateTime::UNIX_EPOCH);
}

fn newest(fold: &mut Fold, numbers: impl IntoIterator<Item = u32>, more: bool) {
    let ask = fold.ask_newest().remove(0);
    fold.take_page(&ask, page(numbers, more));
}

fn shown(fold: &Fold) -> Vec<u32> {
    let slice = fold.slice();
    slice.page.value().map(|page| page.messages.iter().map(|one| one.content.parse().unwrap()).collect()).unwrap_or_default()
}

fn unread(fold: &Fold, room: &str) -> u64 {
    fold.slice().rooms.iter().find(|one| one.name == room).map_or(0, |one| one.unread)
}

#[test]
fn what_was_counted_by_the_server_is_not_counted_again_when_it_is_heard() {
    let mut fold = fold();
    hear(&mut fold, live());
    // The answer with the rooms was made after 7 was said, and arrives after it was heard.
    hear(&mut fold, LiveEvent::Heard(message(7, "station:x", "ann")));
    fold.take_rooms(vec![row("line", 0, None, None), row("station:x", 3, Some(4), Some(7))]);
    assert_eq!(unread(&fold, "station:x"), 3);
    hear(&mut fold, LiveEvent::Heard(message(7, "station:x", "ann")));
    assert_eq!(unread(&fold, "station:x"), 3, "a message that comes twice is one");
    hear(&mut fold, LiveEvent::Heard(message(8, "station:x", ME)));
    assert_eq!(unread(&fold, "station:x"), 3, "nobody has to read what he said himself");
    hear(&mut fold, LiveEvent::Heard(message(9, "station:x", "ann")));
    assert_eq!((unread(&fold, "station:x"), fold.slice().unread()), (4, 4));
}

#[test]
fn what_was_read_here_is_read_though_the_server_does_not_know_it_yet() {
    let mut fold = Fold::new(ME, "eol@pc", Marks::from([("line".to_owned(), "00000009".to_owned())]));
    hear(&mut fold, live());
    let untold = fold.take_rooms(vec![row("line", 5, Some(4), Some(9))]);
    assert_eq!((untold, unread(&fold, "line")), (vec![("line".to_owned(), "00000009".to_owned())], 0));
    // Read elsewhere meanwhile: that counts here too, and nothing goes back.
    assert_eq!(fold.take_rooms(vec![row("line", 1, Some(11), Some(12))]), []);
    assert_eq!((unread(&fold, "line"), fold.read("line", "00000010")), (1, false));
    assert!(fold.read("line", "00000012"));
    assert_eq!(unread(&fold, "line"), 0);
}

#[test]
fn messages_stand_in_their_order_however_they_come_and_earlier_pages_join_on() {
    let mut fold = fold();
    hear(&mut fold, live());
    let ask = fold.ask_newest().remove(0);
    hear(&mut fold, LiveEvent::Heard(message(33, "line", "ann")));
    hear(&mut fold, LiveEvent::Heard(message(32, "line", "bob")));
    fold.take_page(&ask, page(28..32, true));
    assert_eq!(shown(&fold), [28, 29, 30, 31, 32, 33]);
    let ask = fold.ask_earlier().unwrap();
    assert_eq!((ask.before.as_deref(), fold.ask_earlier()), (Some("00000028"), None));
    assert!(fold.slice().page.value().unwrap().reading_earlier);
    fold.take_page(&ask, page(25..28, false));
    assert_eq!((shown(&fold), fold.ask_earlier()), ((25..34).collect(), None));
}

#[test]
fn a_gap_that_a_long_absence_left_is_never_shown_as_if_nothing_were_missing() {
    let mut fold = fold();
    hear(&mut fold, live());
    newest(&mut fold, 1..5, false);
    hear(&mut fold, LiveEvent::State(LiveState::Waiting(std::time::Duration::from_secs(1))));
    assert_eq!((fold.slice().state, shown(&fold).len()), (ChatState::Away, 4), "what is known stays while the server is away");
    hear(&mut fold, live());
    newest(&mut fold, 4..8, true);
    assert_eq!((shown(&fold), fold.slice().page.value().unwrap().more), ((1..8).collect(), false), "it reaches back");
    let ask = fold.ask_newest().remove(0);
    hear(&mut fold, LiveEvent::Heard(message(99, "line", "ann")));
    fold.take_page(&ask, page(96..100, true));
    assert_eq!((shown(&fold), fold.slice().page.value().unwrap().more), ((96..100).collect(), true), "it does not");
}

#[test]
fn another_room_is_read_anew_after_the_socket_was_away() {
    let mut fold = fold();
    hear(&mut fold, live());
    newest(&mut fold, 1..3, false);
    let asks = fold.enter("station:x");
    assert_eq!(asks.len(), 2, "messages and notes");
    asks.iter().for_each(|ask| fold.take_page(ask, page([], false)));
    assert_eq!(fold.enter("line").len(), 2, "its notes were not read yet");
    assert_eq!(fold.enter("station:x"), []);
    hear(&mut fold, live());
    assert_eq!(fold.enter("line").len(), 2);
}

#[test]
fn the_newest_note_stands_above_and_notes_can_be_shown_alone() {
    let mut fold = fold();
    hear(&mut fold, live());
    let asks = fold.ask_newest();
    fold.take_page(&asks[0], page(15..22, true));
    fold.take_page(&asks[1], page([10, 20], false));
    let pinned = |fold: &Fold| fold.slice().page.value().and_then(|page| page.note.clone()).map(|note| note.content.clone());
    assert_eq!(pinned(&fold).as_deref(), Some("20"));
    fold.show_notes_only(true);
    assert_eq!(shown(&fold), [10, 20]);
    hear(&mut fold, LiveEvent::Heard(message(30, "line", "bob")));
    assert_eq!((pinned(&fold).as_deref(), shown(&fold)), (Some("30"), vec![10, 20, 30]));
    fold.show_notes_only(false);
    assert_eq!(shown(&fold), (15..22).chain([30]).collect::<Vec<_>>());
}

#[test]
fn what_is_new_is_marked_from_where_the_person_stopped() {
    let mut fold = fold();
    hear(&mut fold, live());
    fold.take_rooms(vec![row("line", 0, Some(3), Some(3)), row("station:x", 2, Some(5), Some(7))]);
    assert_eq!(fold.new_after, None);
    fold.enter("station:x");
    fold.read("station:x", "00000007");
    assert_eq!(fold.new_after.as_deref(), Some("00000005"), "it stays while the room is open");
    fold.enter("line");
    fold.enter("station:x");
    assert_eq!(fold.new_after, None);
}

#[test]
fn a_message_waits_until_it_is_kept_and_a_refused_one_until_somebody_decides() {
    let mut fold = fold();
    let unsent = |n| Unsent { id: Uuid::from_u128(n), room: "line".to_owned(), content: n.to_string(), note: false };
    (1..=2).for_each(|n| assert!(fold.say(&unsent(n), DateTime::UNIX_EPOCH)));
    hear(&mut fold, LiveEvent::Sent(Uuid::from_u128(1)));
    assert_eq!((fold.slice().unsent.len(), fold.again(Uuid::from_u128(2))), (1, None), "it is on its way");
    hear(&mut fold, LiveEvent::NotSent(Uuid::from_u128(2), Explanation::new("chat_not_taken")));
    assert!(fold.slice().unsent[0].refused.is_some());
    assert_eq!(fold.again(Uuid::from_u128(2)), Some(unsent(2)));
    hear(&mut fold, LiveEvent::NotSent(Uuid::from_u128(2), Explanation::new("chat_not_taken")));
    fold.discard(Uuid::from_u128(2));
    assert_eq!(fold.unsent(), []);
}

#[test]
fn what_waited_is_there_again_in_its_order_and_is_sent_under_the_same_ids() {
    let mut before = fold();
    let unsent = |n| Unsent { id: Uuid::from_u128(n), room: "line".to_owned(), content: n.to_string(), note: n == 2 };
    (1..=3).for_each(|n| assert!(before.say(&unsent(n), DateTime::UNIX_EPOCH)));
    before.discard(Uuid::from_u128(1));
    let mut after = fold();
    assert_eq!(after.recall(before.unsent()), [unsent(2), unsent(3)]);
    assert_eq!(after.slice().unsent, before.slice().unsent);
}

#[test]
fn so_much_waits_and_nothing_more_is_taken() {
    let mut fold = fold();
    let say = |fold: &mut Fold, n| {
        fold.say(&Unsent { id: Uuid::from_u128(n), room: "line".to_owned(), content: String::new(), note: false }, DateTime::UNIX_EPOCH)
    };
    (0..WAITING as u128).for_each(|n| assert!(say(&mut fold, n)));
    assert!(!say(&mut fold, 1000) && fold.slice().full);
    hear(&mut fold, LiveEvent::Sent(Uuid::from_u128(0)));
    assert!(!fold.slice().full && say(&mut fold, 1000));
}

#[test]
fn a_search_shows_what_is_known_at_once_and_what_the_server_finds_further_back() {
    let mut fold = fold();
    hear(&mut fold, live());
    newest(&mut fold, 20..=25, true);
    let ask = fold.search(" 2 ").unwrap();
    assert_eq!((ask.search.as_str(), &ask.before, shown(&fold)), ("2", &None, (20..=25).collect()));
    assert!(fold.ask_earlier().is_none(), "the server is asked already");
    let found = History { messages: [2, 12].map(|n| message(n, "line", "ann")).to_vec(), more: true, searched_to: Some("1".to_owned()) };
    fold.take_page(&ask, Ok(found));
    hear(&mut fold, LiveEvent::Heard(message(26, "line", "ann")));
    hear(&mut fold, LiveEvent::Heard(message(31, "line", "ann")));
    assert_eq!(shown(&fold), [2, 12, 20, 21, 22, 23, 24, 25, 26]);
    let further = fold.ask_earlier().unwrap();
    assert_eq!((further.before.as_deref(), further.search.as_str()), (Some("1"), "2"));
    fold.take_page(&further, Err(Explanation::new("chat_searched_here")));
    let slice = fold.slice();
    assert!(slice.page.error().is_some() && slice.page.value().is_some() && slice.search == "2");
    assert_eq!(fold.search(""), None);
    assert_eq!(shown(&fold), [20, 21, 22, 23, 24, 25, 26, 31]);
    fold.take_page(&ask, page([3], false));
    assert_eq!(shown(&fold).first(), Some(&20), "an answer to a search that is over changes nothing");
}

#[test]
fn a_search_that_the_server_never_saw_can_be_repeated_and_hears_only_what_is_shown() {
    let mut fold = fold();
    hear(&mut fold, live());
    newest(&mut fold, 20..=25, true);
    fold.show_notes_only(true);
    let ask = fold.search("2").unwrap();
    fold.take_page(&ask, Err(Explanation::new("chat_searched_here")));
    let slice = fold.slice();
    assert!(slice.page.value().is_some_and(|page| page.more && !page.reading_earlier));
    hear(&mut fold, LiveEvent::Heard(message(29, "line", "ann")));
    assert_eq!(shown(&fold), [0; 0], "it is no note");
    assert_eq!(fold.ask_earlier(), Some(ask.clone()), "from the newest on");
    assert_eq!(fold.ask_earlier(), None, "it is on its way");
    fold.take_page(&ask, page([], false));
    assert!(fold.ask_earlier().is_none(), "now all was looked through");
}

#[test]
fn everybody_present_is_named_once() {
    let mut fold = fold();
    let person = |id: &str, name: &str| Present { user_id: id.to_owned(), username: name.to_owned(), role: crate::domain::Role::Operator };
    fold.take_present(Ok(vec![person("2", "Zoe"), person("1", "anna"), person("2", "Zoe")]));
    let names = |fold: &Fold| fold.slice().present.value().unwrap().iter().map(|one| one.username.clone()).collect::<Vec<_>>();
    assert_eq!(names(&fold), ["anna", "Zoe"]);
    fold.take_present(Err(Explanation::new("server_unreachable")));
    assert_eq!(names(&fold), ["anna", "Zoe"], "the last that was known");
}

#[test]
fn the_lines_room_comes_first_and_this_stations_next() {
    let mut fold = fold();
    fold.take_rooms(["station:A", "station:EOL@pc", "line", "station:b"].map(|room| row(room, 0, None, None)).to_vec());
    let rooms: Vec<(String, bool)> = fold.slice().rooms.into_iter().map(|room| (room.name, room.own)).collect();
    let expected = [("line", false), ("station:EOL@pc", true), ("station:A", false), ("station:b", false)];
    assert_eq!(rooms, expected.map(|(name, own)| (name.to_owned(), own)));
}

proptest! {
    #[test]
    fn unread_is_what_others_said_after_the_mark_whatever_came_when(
        heard in proptest::collection::vec((1_u32..40, any::<bool>()), 0..60),
        read in 0_u32..40,
    ) {
        let mut fold = fold();
        hear(&mut fold, live());
        newest(&mut fold, [], false);
        let mut said = BTreeMap::new();
        let mut top = 0;
        for (n, own) in heard {
            // Ids are those of time: what is heard late was heard before.
            let own = *said.entry(n).or_insert(own);
            if n < top && !said.contains_key(&n) { continue }
            top = top.max(n);
            hear(&mut fold, LiveEvent::Heard(message(n, "line", if own { ME } else { "ann" })));
        }
        fold.read("line", &format!("{read:08}"));
        let expected = said.iter().filter(|(n, own)| **n > read && !**own).count() as u64;
        if read > 0 {
            prop_assert_eq!(unread(&fold, "line"), expected);
        }
        prop_assert_eq!(shown(&fold), said.keys().copied().collect::<Vec<_>>());
    }
}
