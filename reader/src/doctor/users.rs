//! Who is who on this machine: `/etc/passwd` and `/etc/group` (passwd(5), group(5)), below a root of choice.

use std::{fs, path::Path};

/// The superuser, who may everything.
pub(super) const ROOT: u32 = 0;

/// A user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) id: u32,
    pub(super) group: u32,
}

/// The two files, as they are at the moment.
pub(super) struct Users {
    passwd: String,
    group: String,
}

impl Users {
    pub(super) fn read(root: &Path) -> Self {
        let read = |name| fs::read_to_string(root.join(name)).unwrap_or_default();
        Self { passwd: read("etc/passwd"), group: read("etc/group") }
    }

    fn users(&self) -> impl Iterator<Item = User> {
        self.passwd.lines().filter_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?.to_owned();
            let id = fields.nth(1)?.parse().ok()?;
            Some(User { name, id, group: fields.next()?.parse().ok()? })
        })
    }

    /// Name, id, and members by name.
    fn groups(&self) -> impl Iterator<Item = (&str, u32, &str)> {
        self.group.lines().filter_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            let id = fields.nth(1)?.parse().ok()?;
            Some((name, id, fields.next().unwrap_or_default()))
        })
    }

    /// The user of this name.
    pub(super) fn named(&self, name: &str) -> Option<User> {
        self.users().find(|user| user.name == name)
    }

    /// The name of a user, or else the number.
    pub(super) fn user_name(&self, id: u32) -> String {
        self.users().find(|user| user.id == id).map_or_else(|| id.to_string(), |user| user.name)
    }

    /// The name of a group, or else the number.
    pub(super) fn group_name(&self, id: u32) -> String {
        self.groups().find(|(_, group, _)| *group == id).map_or_else(|| id.to_string(), |(name, ..)| name.to_owned())
    }

    /// Whether a user is in a group.
    pub(super) fn is_member(&self, user: &User, group: u32) -> bool {
        let listed = |members: &str| members.split(',').any(|member| member == user.name);
        user.group == group || self.groups().any(|(_, id, members)| id == group && listed(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_members_are_found() {
        let users = Users {
            passwd: "root:x:0:0:root:/root:/bin/bash\npi:x:1000:1000::/home/pi:/bin/sh\nodd\n".into(),
            group: "root:x:0:\ndialout:x:20:pi,other\npi:x:1000:\n".into(),
        };
        let pi = users.named("pi").unwrap();
        assert_eq!((pi.id, pi.group), (1000, 1000));
        assert_eq!((users.user_name(0), users.user_name(7)), ("root".into(), "7".into()));
        assert_eq!(users.group_name(20), "dialout");
        assert!(users.is_member(&pi, 20) && users.is_member(&pi, 1000) && !users.is_member(&pi, 0));
        assert_eq!(users.named("odd"), None);
    }
}
