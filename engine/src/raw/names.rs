// SPDX-License-Identifier: Apache-2.0
//! Names of users and groups, and ports that are listened on, as bytes.

use super::found::{Get, Put};
use crate::snapshot::Listening;
use crate::state::users::{Names, Users};

fn put_names(names: &Names, out: &mut Put) {
    let all: Vec<_> = names.each().collect();
    out.u32(all.len() as u32);
    for (number, name) in all {
        out.u32(number);
        out.text(name.as_bytes());
    }
}

fn get_names(input: &mut Get<'_>) -> Option<Names> {
    let number = input.u32()?;
    let each = (0..number).map(|_| {
        let id = input.u32()?;
        Some((id, String::from_utf8_lossy(input.text()?).into_owned()))
    });
    Some(Names::of(each.collect::<Option<Vec<_>>>()?))
}

pub(super) fn put_users(users: &Users, out: &mut Put) {
    put_names(&users.users, out);
    put_names(&users.groups, out);
}

pub(super) fn get_users(input: &mut Get<'_>) -> Option<Users> {
    Some(Users { users: get_names(input)?, groups: get_names(input)? })
}

pub(super) fn put_listening(listening: &Listening, out: &mut Put) {
    let mut ports: Vec<u16> = listening.ports().collect();
    ports.sort_unstable();
    out.u32(ports.len() as u32);
    ports.into_iter().for_each(|port| out.u32(u32::from(port)));
}

pub(super) fn get_listening(input: &mut Get<'_>) -> Option<Listening> {
    let mut listening = Listening::default();
    for _ in 0..input.u32()? {
        listening.add(u16::try_from(input.u32()?).ok()?);
    }
    Some(listening)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_ports_come_back() {
        let names = |name: &str| Names::of(vec![(7, name.to_owned())]);
        let users = Users { users: names("www"), groups: names("adm") };
        let mut listening = Listening::default();
        listening.add(80);
        let mut out = Put::default();
        put_users(&users, &mut out);
        put_listening(&listening, &mut out);
        let mut input = Get(&out.0);
        let back = get_users(&mut input).expect("users");
        assert_eq!((&*back.users.get(7, false), &*back.groups.get(7, false)), ("www", "adm"));
        assert_eq!(&*back.users.get(8, false), "<NA>");
        let back = get_listening(&mut input).expect("ports");
        assert!(back.is_server(80, 79) && input.0.is_empty());
    }
}
