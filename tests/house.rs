//! Who uses whom: each room of src uses those on lower floors only, and no two files use each other, however far around.
//!
//! The floors are those of docs/design/architecture.md. What a file uses is read from its paths, in `use` lines and elsewhere;
//! tests within it do not count, and what a mod.rs passes on counts as the file that has it.

#[path = "common/asked.rs"]
#[allow(dead_code, reason = "the black-box tests'; this program uses a part")]
mod asked;

use asked::project;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use syn::visit::Visit;

/// A module: the names on the way to it from the crate's root.
type Module = Vec<String>;

/// Every file of src, by its module.
struct House {
    files: BTreeMap<Module, syn::File>,
    /// What mod.rs files pass on, by module and name.
    passed_on: BTreeMap<(Module, String), Module>,
}

/// All paths of a file that begin at the crate's root, or above the file.
struct Paths<'h> {
    house: &'h House,
    module: &'h Module,
    used: BTreeSet<Module>,
}

impl House {
    fn open() -> Self {
        let root = project("src");
        let mut house = Self { files: BTreeMap::new(), passed_on: BTreeMap::new() };
        for path in sources(&root) {
            let text = std::fs::read_to_string(&path).expect("a source file");
            let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            house.files.insert(module_of(&root, &path), parsed);
        }
        house.passed_on = house.find_passed_on();
        house
    }

    fn find_passed_on(&self) -> BTreeMap<(Module, String), Module> {
        let mut passed_on = BTreeMap::new();
        for (module, file) in &self.files {
            let uses = file.items.iter().filter_map(|item| match item {
                syn::Item::Use(item) if !matches!(item.vis, syn::Visibility::Inherited) => Some(&item.tree),
                _ => None,
            });
            for path in uses.flat_map(|tree| flat(tree, &[])) {
                let (name, way) = path.split_last().expect("a path");
                // Relative to the module itself: `pub use types::Name`.
                let absolute: Module = module.iter().chain(way).cloned().collect();
                if self.files.contains_key(&absolute) {
                    passed_on.insert((module.clone(), name.clone()), absolute);
                }
            }
        }
        passed_on
    }

    /// The file that has what a path names; `None` for what is not this crate's.
    fn file_of(&self, path: &[String]) -> Option<Module> {
        let longest = (0..=path.len()).rev().map(|length| &path[..length]);
        let file = longest.into_iter().find(|module| self.files.contains_key(*module))?.to_vec();
        let named = path.get(file.len()).and_then(|name| self.passed_on.get(&(file.clone(), name.clone())));
        Some(named.cloned().unwrap_or(file)).filter(|file| !file.is_empty())
    }

    fn used_by(&self, module: &Module) -> BTreeSet<Module> {
        let mut paths = Paths { house: self, module, used: BTreeSet::new() };
        paths.visit_file(&self.files[module]);
        paths.used.remove(module);
        paths.used
    }
}

impl Paths<'_> {
    fn note(&mut self, path: &[String]) {
        let mut way: &[String] = path;
        let mut at = match way.first().map(String::as_str) {
            Some("crate") => Module::new(),
            Some("safecp") if self.module[0] == "main" => Module::new(),
            Some("self" | "super") => self.module.clone(),
            _ => return,
        };
        if way[0] != "super" {
            way = &way[1..];
        }
        while way.first().is_some_and(|name| name == "super") {
            at.pop();
            way = &way[1..];
        }
        at.extend(way.iter().cloned());
        self.used.extend(self.house.file_of(&at));
    }
}

impl<'ast> Visit<'ast> for Paths<'_> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !item.attrs.iter().any(|attribute| attribute.path().is_ident("cfg")) {
            syn::visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        flat(&item.tree, &[]).iter().for_each(|path| self.note(path));
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.note(&names);
        syn::visit::visit_path(self, path);
    }
}

/// Every path of a `use`, in full.
fn flat(tree: &syn::UseTree, before: &[String]) -> Vec<Vec<String>> {
    let with = |name: String| before.iter().cloned().chain([name]).collect::<Vec<_>>();
    match tree {
        syn::UseTree::Path(path) => flat(&path.tree, &with(path.ident.to_string())),
        syn::UseTree::Name(name) if name.ident == "self" => vec![before.to_vec()],
        syn::UseTree::Name(name) => vec![with(name.ident.to_string())],
        syn::UseTree::Rename(name) => vec![with(name.ident.to_string())],
        syn::UseTree::Glob(_) => vec![before.to_vec()],
        syn::UseTree::Group(group) => group.items.iter().flat_map(|tree| flat(tree, before)).collect(),
    }
}

fn sources(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry").path());
    let files = entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] });
    files.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

/// `copy/mod.rs` is `copy`, `copy/verify.rs` is `copy::verify`, and lib.rs is the root.
fn module_of(root: &Path, path: &Path) -> Module {
    let within = path.strip_prefix(root).expect("a file of src").with_extension("");
    let mut module: Module = within.iter().map(|name| name.to_string_lossy().into_owned()).collect();
    if module.last().is_some_and(|name| name == "mod" || name == "lib") {
        module.pop();
    }
    module
}

/// The rooms of each floor, the top one first, as docs/design/architecture.md lists them.
fn floors() -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(project("docs/design/architecture.md")).expect("the architecture");
    let (_, behind) = text.split_once("\n## Floors\n").expect("a list of floors");
    let mut lines = behind.lines().skip_while(|line| !line.starts_with("    "));
    let block = lines.by_ref().take_while(|line| line.starts_with("    "));
    let rooms = |line: &str| line.split_whitespace().take_while(|word| *word != "--").map(str::to_owned).collect();
    block.map(rooms).collect()
}

fn shown(module: &Module) -> String {
    module.join("::")
}

#[test]
fn rooms_use_lower_floors_only() {
    let (house, floors) = (House::open(), floors());
    let floor = |module: &Module| {
        let of_room = |floor: &Vec<String>| floor.contains(&module[0]);
        floors.iter().position(of_room).unwrap_or_else(|| panic!("{} is on no floor", shown(module)))
    };
    let mut upward = Vec::new();
    for module in house.files.keys().filter(|module| !module.is_empty()) {
        for used in house.used_by(module) {
            if used[0] != module[0] && floor(&used) <= floor(module) {
                upward.push(format!("{} uses {}", shown(module), shown(&used)));
            }
        }
    }
    assert!(upward.is_empty(), "upward or sideways:\n{}", upward.join("\n"));
}

#[test]
fn no_files_use_each_other() {
    let house = House::open();
    let graph: BTreeMap<&Module, BTreeSet<Module>> =
        house.files.keys().map(|module| (module, house.used_by(module))).collect();
    let mut circles = BTreeSet::new();
    for start in graph.keys() {
        // Everything that is reached from a file, and whether that comes back to it.
        let (mut reached, mut open) = (BTreeSet::new(), vec![(*start).clone()]);
        while let Some(module) = open.pop() {
            for used in graph.get(&module).into_iter().flatten() {
                if reached.insert(used.clone()) {
                    open.push(used.clone());
                }
            }
        }
        if reached.contains(*start) {
            let arrows = graph[*start].iter().filter(|used| {
                let (mut seen, mut way) = (BTreeSet::new(), vec![(*used).clone()]);
                while let Some(module) = way.pop() {
                    if module == **start {
                        return true;
                    }
                    way.extend(
                        graph.get(&module).into_iter().flatten().filter(|next| seen.insert((*next).clone())).cloned(),
                    );
                }
                false
            });
            circles.insert(format!("{} -> {}", shown(start), arrows.map(shown).collect::<Vec<_>>().join(", ")));
        }
    }
    assert!(circles.is_empty(), "in circles:\n{}", circles.into_iter().collect::<Vec<_>>().join("\n"));
}

/// std's hashed maps ask the kernel for random numbers, and end the program where it gives none: a filter, or Linux before 3.17.
#[test]
fn nothing_hashes_by_random_numbers() {
    struct Names(BTreeSet<String>);
    impl<'ast> Visit<'ast> for Names {
        fn visit_ident(&mut self, ident: &'ast syn::Ident) {
            self.0.insert(ident.to_string());
        }
    }
    for (module, file) in &House::open().files {
        let mut names = Names(BTreeSet::new());
        names.visit_file(file);
        let hashed = ["HashMap", "HashSet", "RandomState"].into_iter().find(|name| names.0.contains(*name));
        assert_eq!(hashed, None, "{}", shown(module));
    }
}

/// The net has to catch: paths are followed through groups, renames, `super` and what a mod.rs passes on.
#[test]
fn paths_are_found_however_they_are_written() {
    let tree = |text: &str| syn::parse_str::<syn::ItemUse>(text).expect("a use").tree;
    let all = flat(&tree("use a::{b, c::{self, d as e}};"), &[]);
    assert_eq!(all, [vec!["a", "b"], vec!["a", "c"], vec!["a", "c", "d"]]);
    let house = House::open();
    let name = |text: &str| text.split("::").map(str::to_owned).collect::<Module>();
    assert_eq!(house.file_of(&name("copy::Name")), Some(name("copy::types")));
    assert_eq!(house.file_of(&name("copy::digest::Tree")), Some(name("copy::digest")));
    assert!(house.used_by(&name("main")).contains(&name("cli")));
    assert!(house.used_by(&name("copy::verify")).contains(&name("copy::pass")));
}
