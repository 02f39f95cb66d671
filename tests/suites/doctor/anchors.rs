//! Each kind of finding has a section of its own in `docs/TROUBLESHOOTING.md`, and no section is left over.

#[test]
fn each_kind_has_its_section() {
    let text = include_str!("../../../docs/TROUBLESHOOTING.md");
    let sections: Vec<&str> = text.split("\n## ").skip(1).collect();
    let anchors = failback_cli::doctor_anchors();
    for anchor in &anchors {
        let section = sections.iter().find(|section| section.lines().next() == Some(*anchor));
        let section = section.unwrap_or_else(|| panic!("no section ## {anchor}"));
        for part in ["**What it means.**", "**What failback does.**", "**What you can do.**"] {
            assert!(section.contains(part), "{anchor} has no {part}");
        }
    }
    for section in sections {
        let title = section.lines().next().expect("a title");
        assert!(anchors.contains(&title), "## {title} is of no kind");
    }
}
