//! The modules of a crate, and where a path that is written in one of them leads.

use std::collections::BTreeMap;

use crate::tidy::scan::{self, Body, Import, Reach, Scan};
use crate::tidy::source::Code;

/// The names from the crate's root to a module; empty for the root itself.
pub(crate) type ModulePath = Vec<String>;

/// A re-export of a re-export of ...: more than this is a mistake in the source.
const MAX_HOPS: usize = 16;

/// The module tree of one crate.
#[derive(Debug, Default)]
pub(crate) struct Modules {
    by_path: BTreeMap<ModulePath, Module>,
    /// What each file mentions, by the module that the file is.
    pub(crate) files: BTreeMap<ModulePath, File>,
}

/// A file and what it mentions.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) scan: Scan,
}

#[derive(Debug, Default)]
struct Module {
    /// Names that `use` brings in, with the path as it is written.
    imports: BTreeMap<String, (Vec<String>, Reach)>,
    /// Modules whose names are all given on.
    globs: Vec<Vec<String>>,
}

/// Where a path leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// To this module of the crate, or to an item in it.
    Inside(ModulePath),
    /// Out of the crate; the path with its first name replaced by what was imported under it.
    Outside(Vec<String>),
}

impl Modules {
    /// Follows `mod` from the file at `root`.
    pub(crate) fn load(codes: &BTreeMap<String, Code>, root: &str) -> Self {
        let mut modules = Self::default();
        modules.load_file(codes, root, Vec::new());
        modules
    }

    fn load_file(&mut self, codes: &BTreeMap<String, Code>, file: &str, path: ModulePath) {
        let Some(code) = codes.get(file) else { return };
        let scan = scan::scan(&code.tree);
        self.by_path.entry(path.clone()).or_default();
        for import in &scan.imports {
            self.declare_import(&path, import);
        }
        let folder = folder_of_children(file, path.is_empty());
        for declared in &scan.modules {
            let child = join(&path, &declared.within, &declared.name);
            self.by_path.entry(child.clone()).or_default();
            if declared.body == Body::OwnFile {
                let stem =
                    join(std::slice::from_ref(&folder), &declared.within, &declared.name).join("/");
                let found = [format!("{stem}.rs"), format!("{stem}/mod.rs")];
                if let Some(found) = found.iter().find(|file| codes.contains_key(*file)) {
                    self.load_file(codes, found, child);
                }
            }
        }
        self.files.insert(path, File { path: file.to_owned(), scan });
    }

    fn declare_import(&mut self, file: &[String], import: &Import) {
        let module = self.by_path.entry([file, &import.within].concat()).or_default();
        match &import.name {
            Some(name) => {
                module.imports.insert(name.clone(), (import.path.clone(), import.reach));
            }
            None if import.reach == Reach::ReExport => module.globs.push(import.path.clone()),
            None => {}
        }
    }

    /// The file in which the items of `module` stand.
    pub(crate) fn file_of(&self, module: &[String]) -> Option<&File> {
        (0..=module.len()).rev().find_map(|length| self.files.get(module.get(..length)?))
    }

    /// Where `path`, as it is written in `module`, leads; re-exports are followed to the end.
    pub(crate) fn resolve(&self, module: &[String], path: &[String]) -> Place {
        self.resolve_within(module, path, MAX_HOPS)
    }

    fn resolve_within(&self, module: &[String], path: &[String], hops: usize) -> Place {
        let outside = || Place::Outside(path.to_vec());
        let Some((head, rest)) = path.split_first() else { return outside() };
        if hops == 0 {
            return outside();
        }
        match head.as_str() {
            "crate" => self.descend(Vec::new(), rest, hops),
            "self" if !rest.is_empty() => self.descend(module.to_vec(), rest, hops),
            "super" => {
                let mut up = module.to_vec();
                up.pop();
                match rest.first().map(String::as_str) {
                    Some("super") => self.resolve_within(&up, rest, hops),
                    _ => self.descend(up, rest, hops),
                }
            }
            name => match self.by_path.get(module).and_then(|known| known.imports.get(name)) {
                // `use bytes;` names itself: it leads out.
                Some((imported, _)) if imported.first() != Some(head) => {
                    self.resolve_within(module, &[imported, rest].concat(), hops - 1)
                }
                Some((imported, _)) => self.below(module, [imported, rest].concat(), hops),
                None => self.below(module, path.to_vec(), hops),
            },
        }
    }

    /// A path that begins with a child of `module`, else one that leads out of the crate.
    fn below(&self, module: &[String], path: Vec<String>, hops: usize) -> Place {
        let child = path.first().and_then(|head| self.child(module, head));
        match (child, path.get(1..)) {
            (Some(child), Some(rest)) => self.descend(child, rest, hops),
            _ => Place::Outside(path),
        }
    }

    /// Goes down from a module of this crate, name by name.
    fn descend(&self, from: ModulePath, path: &[String], hops: usize) -> Place {
        let Some((name, rest)) = path.split_first() else { return Place::Inside(from) };
        if let Some(child) = self.child(&from, name) {
            return self.descend(child, rest, hops);
        }
        let Some(module) = self.by_path.get(&from) else { return Place::Inside(from) };
        if hops > 0 {
            if let Some((target, Reach::ReExport)) = module.imports.get(name) {
                let target = [target, rest].concat();
                return match self.resolve_within(&from, &target, hops - 1) {
                    Place::Outside(_) => Place::Inside(from),
                    inside => inside,
                };
            }
            if let Some(place) = self.through_globs(&from, module, path, hops) {
                return place;
            }
        }
        Place::Inside(from)
    }

    /// The module behind `pub use child::*` that gives the name on, if one is known to.
    fn through_globs(
        &self,
        from: &ModulePath,
        module: &Module,
        path: &[String],
        hops: usize,
    ) -> Option<Place> {
        module.globs.iter().find_map(|glob| {
            let Place::Inside(target) = self.resolve_within(from, glob, hops - 1) else {
                return None;
            };
            let name = path.first()?;
            let known = self.by_path.get(&target)?;
            let defines = self.file_of(&target).is_some_and(|file| file.scan.defines(name));
            let gives_on = self.child(&target, name).is_some() || known.imports.contains_key(name);
            (&target != from && (defines || gives_on))
                .then(|| self.descend(target.clone(), path, hops - 1))
        })
    }

    fn child(&self, module: &[String], name: &str) -> Option<ModulePath> {
        let path = join(module, &[], name);
        self.by_path.contains_key(&path).then_some(path)
    }
}

fn join(path: &[String], within: &[String], name: &str) -> Vec<String> {
    [path, within, &[name.to_owned()]].concat()
}

/// Where the files of the modules that `file` declares are.
fn folder_of_children(file: &str, is_root: bool) -> String {
    let (folder, name) = file.rsplit_once('/').unwrap_or(("", file));
    if is_root || name == "mod.rs" {
        folder.to_owned()
    } else {
        file.trim_end_matches(".rs").to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::source::sources;

    fn load(files: &[(&str, &str)]) -> Modules {
        Modules::load(&sources(files).codes, "src/lib.rs")
    }

    fn words(path: &str) -> Vec<String> {
        path.split("::").filter(|name| !name.is_empty()).map(str::to_owned).collect()
    }

    #[track_caller]
    fn leads(modules: &Modules, module: &str, path: &str, to: &str) {
        assert_eq!(modules.resolve(&words(module), &words(path)), Place::Inside(words(to)));
    }

    #[test]
    fn files_are_found_in_both_layouts() {
        let modules = load(&[
            ("src/lib.rs", "mod a; mod b;"),
            ("src/a.rs", "mod c;"),
            ("src/a/c.rs", ""),
            ("src/b/mod.rs", "mod d;"),
            ("src/b/d.rs", ""),
        ]);
        let files: Vec<String> = modules.files.keys().map(|path| path.join("::")).collect();
        assert_eq!(files, ["", "a", "a::c", "b", "b::d"]);
    }

    #[test]
    fn paths_lead_from_the_root_from_here_and_upwards() {
        let modules = load(&[
            ("src/lib.rs", "mod a; mod b; struct Root;"),
            ("src/a.rs", "mod c; fn f() {}"),
            ("src/a/c.rs", ""),
            ("src/b.rs", ""),
        ]);
        leads(&modules, "b", "crate::a::c::X", "a::c");
        leads(&modules, "a", "c::X", "a::c");
        leads(&modules, "a", "self::c::X", "a::c");
        leads(&modules, "a::c", "super::f", "a");
        leads(&modules, "a::c", "super::super::b::X", "b");
        leads(&modules, "b", "crate::Root", "");
    }

    #[test]
    fn a_re_export_leads_to_the_module_that_defines_the_item() {
        let modules = load(&[
            ("src/lib.rs", "mod a; pub use a::{Deep as Shallow, c};"),
            ("src/a.rs", "mod c; pub use self::c::Deep; pub use c::*;"),
            ("src/a/c.rs", "pub struct Deep; pub struct Other;"),
        ]);
        leads(&modules, "a", "crate::Shallow", "a::c");
        leads(&modules, "a", "crate::c::Deep", "a::c");
        leads(&modules, "", "crate::a::Other", "a::c");
        leads(&modules, "", "Shallow::new", "a::c");
        leads(&modules, "", "crate::a::Unknown", "a");
    }

    #[test]
    fn what_is_imported_from_outside_gets_its_full_name() {
        let modules = load(&[("src/lib.rs", "use std::time::{self, Instant as Now}; use bytes;")]);
        for (path, full) in [
            ("Now::now", "std::time::Instant::now"),
            ("time::SystemTime", "std::time::SystemTime"),
            ("bytes::Bytes", "bytes::Bytes"),
            ("tokio::spawn", "tokio::spawn"),
        ] {
            assert_eq!(modules.resolve(&[], &words(path)), Place::Outside(words(full)));
        }
    }

    #[test]
    fn inline_modules_belong_to_their_file() {
        let modules = load(&[("src/lib.rs", "mod a;"), ("src/a.rs", "mod b { use super::X; }")]);
        assert_eq!(modules.file_of(&words("a::b")).unwrap().path, "src/a.rs");
        leads(&modules, "a::b", "super::X", "a");
    }

    #[test]
    fn a_re_export_that_names_itself_ends() {
        let modules = load(&[("src/lib.rs", "pub use crate::A as B; pub use crate::B as A;")]);
        leads(&modules, "", "crate::A::x", "");
    }
}
