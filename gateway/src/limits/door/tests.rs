use proptest::prelude::*;

use super::*;
use crate::limits::penalties::Scale;
use crate::limits::rate::Rate;

fn address(last: u8) -> IpAddr {
    IpAddr::from([192, 0, 2, last])
}

fn limits(change: impl FnOnce(&mut Limits)) -> Arc<Limits> {
    let mut limits = Limits::default();
    change(&mut limits);
    Arc::new(limits)
}

fn arrive(door: &mut Door, last: u8) -> Result<Arrival, Turned> {
    door.arrive(address(last), Instant::now())
}

/// All connections, and those that have not logged in.
fn count(door: &Door) -> (usize, usize) {
    (door.connections(), door.half_open())
}

fn ticket(door: &mut Door, last: u8) -> Ticket {
    arrive(door, last).unwrap().ticket
}

#[test]
fn a_connection_counts_until_it_leaves() {
    let mut door = Door::new(limits(|it| it.connections_per_source = 1));
    let first = ticket(&mut door, 1);
    assert_eq!(arrive(&mut door, 1), Err(Turned::Source));
    assert_eq!(count(&door), (1, 1));
    assert_eq!(door.enter(first, &"ann".into()), Ok(()));
    assert_eq!(count(&door), (1, 0));
    assert_eq!(arrive(&mut door, 1), Err(Turned::Source));
    door.leave(first, Departure::InOrder, Instant::now());
    assert!(door.guests.is_empty() && door.sources.is_empty() && door.users.is_empty());
    assert!(arrive(&mut door, 1).is_ok());
}

#[test]
fn a_user_has_so_many_connections_from_wherever() {
    let mut door = Door::new(limits(|it| it.connections_per_user = 2));
    let ann = Arc::from("ann");
    let tickets: Vec<_> = (1..4).map(|last| ticket(&mut door, last)).collect();
    assert_eq!(door.enter(tickets[0], &ann), Ok(()));
    assert_eq!(door.enter(tickets[1], &ann), Ok(()));
    assert_eq!(door.enter(tickets[2], &ann), Err(Turned::User));
    assert_eq!(door.enter(tickets[2], &"bob".into()), Ok(()));
    door.leave(tickets[0], Departure::InOrder, Instant::now());
    let next = ticket(&mut door, 1);
    assert_eq!(door.enter(next, &ann), Ok(()));
}

#[test]
fn a_source_has_so_many_logins_under_way() {
    let mut door = Door::new(limits(|it| it.half_open_per_source = 2));
    let first = ticket(&mut door, 1);
    ticket(&mut door, 1);
    assert_eq!(arrive(&mut door, 1), Err(Turned::SourceHalfOpen));
    assert_eq!(door.enter(first, &"ann".into()), Ok(()));
    assert!(arrive(&mut door, 1).is_ok());
}

#[test]
fn a_newcomer_pushes_out_the_oldest_of_the_greediest_source() {
    let mut door = Door::new(limits(|it| it.half_open = 4));
    let old = ticket(&mut door, 1);
    let greedy = [2, 2, 2].map(|last| ticket(&mut door, last));
    let arrival = arrive(&mut door, 3).unwrap();
    assert_eq!(arrival.pushed_out, Some(greedy[0]));
    assert_eq!(door.enter(greedy[0], &"ann".into()), Err(Turned::PushedOut));
    assert_eq!(door.leave(greedy[0], Departure::InOrder, Instant::now()), None);
    assert_eq!(arrive(&mut door, 3).unwrap().pushed_out, Some(greedy[1]));
    // Now the newcomer is the greediest itself.
    assert_eq!(arrive(&mut door, 4).unwrap().pushed_out, Some(arrival.ticket));
    assert_eq!(arrive(&mut door, 5).unwrap().pushed_out, Some(old));
    assert_eq!(count(&door), (4, 4));
}

#[test]
fn who_is_logged_in_is_not_pushed_out() {
    let mut door = Door::new(limits(|it| it.connections = 2));
    let tickets = [1, 2].map(|last| ticket(&mut door, last));
    door.enter(tickets[0], &"ann".into()).unwrap();
    assert_eq!(arrive(&mut door, 3).unwrap().pushed_out, Some(tickets[1]));
    let mut door = Door::new(limits(|it| it.connections = 1));
    let first = ticket(&mut door, 1);
    door.enter(first, &"ann".into()).unwrap();
    assert_eq!(arrive(&mut door, 2), Err(Turned::Full));
}

#[test]
fn nobody_comes_in_where_nobody_may() {
    let mut door = Door::new(limits(|it| it.half_open = 0));
    assert_eq!(arrive(&mut door, 1), Err(Turned::Full));
    assert_eq!(door.remembered(), 0);
}

#[test]
fn a_source_connects_so_often() {
    let rate = Rate { count: 1, per: Duration::from_secs(1), burst: 2 };
    let mut door = Door::new(limits(|it| it.arrivals = Some(rate)));
    let start = Instant::now();
    let mut arrive =
        |last, seconds| door.arrive(address(last), start + Duration::from_secs(seconds)).map(drop);
    assert_eq!([arrive(1, 0), arrive(1, 0)], [Ok(()), Ok(())]);
    assert_eq!(arrive(1, 0), Err(Turned::Rate(Duration::from_secs(1))));
    assert_eq!(arrive(2, 0), Ok(()));
    assert_eq!(arrive(1, 1), Ok(()));
}

#[test]
fn offences_before_the_login_are_penalised() {
    let mut door = Door::new(Arc::default());
    let start = Instant::now();
    let crash = Departure::Offence(Offence::Crash);
    let seconds = Duration::from_secs;
    let logged_in = door.arrive(address(1), start).unwrap().ticket;
    door.enter(logged_in, &"ann".into()).unwrap();
    assert_eq!(door.leave(logged_in, crash, start), None);
    let not = door.arrive(address(1), start).unwrap().ticket;
    assert_eq!(door.leave(not, crash, start), Some(seconds(90)));
    assert_eq!(door.arrive(address(1), start + seconds(1)), Err(Turned::Penalty(seconds(89))));
    assert!(door.arrive(address(2), start + seconds(1)).is_ok());
    assert!(door.arrive(address(1), start + seconds(90)).is_ok());
}

#[test]
fn other_limits_hold_for_whoever_comes_next() {
    let mut door = Door::new(Arc::default());
    ticket(&mut door, 1);
    door.set_limits(limits(|it| it.connections_per_source = 1));
    assert_eq!(arrive(&mut door, 1), Err(Turned::Source));
    assert_eq!(count(&door), (1, 1));
}

#[derive(Debug, Clone)]
enum Step {
    Arrive(IpAddr),
    Enter(usize, u8),
    Leave(usize, Option<Offence>),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let offence = prop_oneof![
        Just(None),
        Just(Some(Offence::AuthFailed)),
        Just(Some(Offence::NoAuth)),
        Just(Some(Offence::Crash)),
    ];
    let source = prop_oneof![
        any::<u32>().prop_map(|bits| IpAddr::from(bits.to_be_bytes())),
        (0_u8..4).prop_map(address),
        any::<u128>().prop_map(|bits| IpAddr::from(bits.to_be_bytes())),
    ];
    prop_oneof![
        4 => source.prop_map(Step::Arrive),
        1 => (0_usize..20, 0_u8..3).prop_map(|(which, user)| Step::Enter(which, user)),
        2 => (0_usize..20, offence).prop_map(|(which, offence)| Step::Leave(which, offence)),
        1 => (0_u64..20).prop_map(Step::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn memory_is_bounded_and_the_counts_are_right(
        steps in prop::collection::vec(step(), 0..300),
    ) {
        let limits = limits(|it| {
            (it.connections, it.half_open, it.sources) = (12, 6, 10);
            (it.connections_per_source, it.half_open_per_source) = (5, 3);
            it.connections_per_user = 4;
            it.arrivals = Some(Rate { count: 1, per: Duration::from_secs(3), burst: 4 });
            it.penalties = Scale { threshold: Duration::from_secs(3), ..Scale::default() };
        });
        let mut door = Door::new(limits.clone());
        let (mut inside, mut now) = (Vec::<Ticket>::new(), Instant::now());
        for step in steps {
            match step {
                Step::Arrive(source) => if let Ok(arrival) = door.arrive(source, now) {
                    inside.retain(|ticket| Some(*ticket) != arrival.pushed_out);
                    inside.push(arrival.ticket);
                },
                Step::Enter(which, user) => if let Some(ticket) = inside.get(which) {
                    let _ = door.enter(*ticket, &format!("user{user}").into());
                },
                Step::Leave(which, offence) => if which < inside.len() {
                    let how = offence.map_or(Departure::InOrder, Departure::Offence);
                    door.leave(inside.remove(which), how, now);
                },
                Step::Wait(seconds) => now += Duration::from_secs(seconds),
            }
            prop_assert_eq!(door.connections(), inside.len());
            prop_assert!(door.connections() <= limits.connections && door.half_open() <= limits.half_open);
            prop_assert!(door.sources.len() <= door.guests.len());
            prop_assert!(door.arrivals.len() <= 10 && door.penalties.len() <= 10);
            let (mut all, mut half_open) = (0, 0);
            for count in door.sources.values() {
                prop_assert!((1..=5).contains(&count.all) && count.half_open <= 3);
                all += count.all;
                half_open += count.half_open;
            }
            prop_assert_eq!((all, half_open), count(&door));
            let users: usize = door.users.values().sum();
            prop_assert_eq!(users, all - half_open);
            prop_assert!(door.users.values().all(|count| (1..=4).contains(count)));
        }
    }
}
