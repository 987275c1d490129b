//! The interfaces that the npm package has, out of what is generated of the IDL.

#[derive(Debug)]
pub(super) struct Interface {
    pub(super) name: String,
    pub(super) members: Vec<String>,
}

/// The file is written by a program, whose lines these are.
pub(super) fn read(text: &str) -> Vec<Interface> {
    let mut interfaces: Vec<Interface> = Vec::new();
    for line in text.lines() {
        let interface = line
            .strip_prefix("export const ")
            .and_then(|rest| rest.split_once(" = interfaceShape("));
        let member = line
            .strip_prefix("  ")
            .and_then(|rest| rest.split_once(": "));
        match (interface, member, interfaces.last_mut()) {
            (Some((name, _)), _, _) => interfaces.push(Interface {
                name: name.to_owned(),
                members: Vec::new(),
            }),
            (None, Some((name, _)), Some(last)) if is_name(name) => {
                last.members.push(name.to_owned());
            }
            _ => {}
        }
    }
    interfaces
}

fn is_name(text: &str) -> bool {
    text.chars().all(|letter| letter.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interfaces_and_their_members_are_read() {
        let text = "export const RTCDoor = interfaceShape('RTCDoor', {\n  open: operation([\n    [arg(A)],\n  ]),\n  state: attribute(),\n});\n";
        let interfaces = read(text);
        assert_eq!(interfaces.len(), 1);
        assert_eq!(interfaces[0].name, "RTCDoor");
        assert_eq!(interfaces[0].members, ["open", "state"]);
    }
}
