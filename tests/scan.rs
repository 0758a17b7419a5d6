//! --scan: victims are found, each for the right reason, and sound files are left alone. The files come from the tools that
//! make such files; what was zeroed is where those tools say that things are.

mod common;

use common::{Output, World, has_tool, left_out, random_bytes};
use std::fs;
use std::ops::Range;
use std::os::unix::fs::FileExt;

const PAGE: u64 = 4096;
const RECORD: u64 = 128 << 10;

/// Zeros in a file, as ZFS leaves them: a record that was taken for a hole. They cannot have been there before.
fn zero(world: &World, name: &str, range: &Range<u64>) {
    let path = world.path(name);
    let size = fs::metadata(&path).expect("stat").len();
    let end = range.end.min(size);
    let file = fs::OpenOptions::new().read(true).write(true).open(path).expect("open");
    let mut bytes = vec![0; (end - range.start) as usize];
    file.read_exact_at(&mut bytes, range.start).expect("read");
    assert!(bytes.iter().any(|byte| *byte != 0), "{name} has zeros at {range:?} already");
    bytes.fill(0);
    file.write_all_at(&bytes, range.start).expect("write");
}

fn finds_nothing(world: &World, name: &str) {
    let scan = world.cp(&format!("--scan {name}"));
    assert_eq!((scan.code(), scan.stderr.as_str()), (Some(0), ""), "{scan}");
    assert!(scan.stdout.contains("files have no zeros where there should be none"), "{scan}");
}

fn found(world: &World, name: &str) -> Output {
    let scan = world.cp(&format!("--scan {name}"));
    assert_eq!(scan.code(), Some(1), "{name}: {scan}");
    scan
}

/// A file that a script makes is sound; with each of these ranges zeroed alone, it is found, and this is said of it.
fn victims(name: &str, script: &str, ranges: &[(Range<u64>, &str, &str)]) {
    let world = World::new();
    world.dir("d");
    let made = world.shell(&format!("set -e; {script}"));
    assert_eq!(made.code(), Some(0), "{made}");
    victims_in(&world, name, ranges);
}

fn victims_in(world: &World, name: &str, ranges: &[(Range<u64>, &str, &str)]) {
    let path = format!("d/{name}");
    finds_nothing(world, &path);
    let sound = fs::read(world.path(&path)).expect("a file");
    for (range, weight, why) in ranges {
        zero(world, &path, range);
        let scan = found(world, "d");
        let begin = format!("{weight}: '{path}' (bytes {} to ", range.start);
        let line = scan.stdout.lines().find(|line| line.starts_with(&begin));
        let line = line.unwrap_or_else(|| panic!("{begin}... is not said: {scan}"));
        assert!(line.contains(why), "{line}\ndoes not say {why}");
        world.file(&path, &sound);
    }
    // With the end lost as well, it is a victim all the more.
    let size = sound.len() as u64;
    for (range, ..) in ranges {
        let mut bytes = sound.clone();
        for lost in [range, &last(size)] {
            bytes[lost.start as usize..lost.end.min(size) as usize].fill(0);
        }
        let scan = found(world.file(&path, &bytes), "d");
        assert!(scan.stdout.contains(&format!(": '{path}' (")), "{range:?} and the end: {scan}");
        world.file(&path, &sound);
    }
    finds_nothing(world, &path);
}

fn page(number: u64) -> Range<u64> {
    number * PAGE..(number + 1) * PAGE
}

/// From the beginning of some record on.
fn record(number: u64) -> Range<u64> {
    number * RECORD..(number + 1) * RECORD
}

/// The last page of a file of this size, which is not whole.
fn last(size: u64) -> Range<u64> {
    size / PAGE * PAGE..size
}

/// What the beginning of a file with these zeros is told for.
const BEGINS: (Range<u64>, &str, &str) = (0..PAGE, "suspicious", "its name wants another beginning");

#[test]
fn packed_files() {
    let tools = [
        ("gzip", "gz", "damaged", "what gzip packed cannot be unpacked"),
        ("xz", "xz", "suspicious", "what xz packs has none"),
        ("zstd", "zst", "suspicious", "what zstd packs has none"),
        ("bzip2", "bz2", "suspicious", "what bzip2 packs has none"),
    ];
    for (tool, ending, weight, why) in tools {
        if !has_tool(tool) {
            continue;
        }
        let script = format!("head -c 500000 /dev/urandom | {tool} -c >d/x.{ending}");
        victims(&format!("x.{ending}"), &script, &[(page(1), weight, why), (record(2), weight, why), BEGINS]);
    }
}

#[test]
fn the_end_of_a_packed_file() {
    let world = World::new();
    world.dir("d").random("bytes", 299_990, 1);
    for (tool, ending, weight) in [("gzip", "gz", "damaged"), ("xz", "xz", "damaged"), ("zstd", "zst", "suspicious")] {
        if !has_tool(tool) {
            continue;
        }
        let name = format!("x.{ending}");
        world.shell(&format!("{tool} -c bytes >d/{name}"));
        let size = world.stat(&format!("d/{name}")).len();
        victims_in(&world, &name, &[(last(size), weight, "")]);
    }
}

/// What packs to zeros is told from zeros by its checksum.
#[test]
fn zeros_that_gzip_writes_are_sound() {
    let world = World::new();
    world
        .dir("d")
        .shell("head -c 64M /dev/zero | gzip -9 >d/x.gz; cat d/x.gz d/x.gz >d/twice.gz; truncate -s +20000 d/twice.gz");
    let bytes = fs::read(world.path("d/x.gz")).expect("a file");
    let zeros = bytes.chunks(PAGE as usize).filter(|page| page.iter().all(|byte| *byte == 0)).count();
    assert!(zeros > 0, "gzip writes no pages of zeros any more: this test shows nothing");
    finds_nothing(&world, "d");
}

/// A C program with a thousand functions and more, arrays of zeros on both sides of what is not zero, and everything a linker writes.
const PROGRAM: &str = r#"
    { echo 'char zeros[300000] = {0}; char data[300000] = {1}; const char table[400000] = {[399999] = 7};'
      for i in $(seq 1500); do echo "int a_function_with_a_name_$i(int x) { return x * $i + zeros[x] + data[x] + table[x]; }"; done
      echo 'int main(int n, char **v) { return a_function_with_a_name_7(n); }'; } >x.c
"#;

/// Where a section lies, as readelf says it.
fn section(world: &World, file: &str, name: &str) -> Range<u64> {
    let text = world.tool("readelf", ["-SW", file]);
    let words = text.lines().filter_map(|line| line.split_once(']')).map(|(_, line)| line.split_whitespace());
    let found = words.map(Iterator::collect::<Vec<_>>).find(|words| words.first() == Some(&name));
    let words = found.unwrap_or_else(|| panic!("{file} has no {name}: {text}"));
    let number = |word: &str| u64::from_str_radix(word, 16).expect("a number");
    number(words[3])..number(words[3]) + number(words[4])
}

/// The first whole page of a section.
fn page_of(section: &Range<u64>) -> Range<u64> {
    let start = section.start.next_multiple_of(PAGE);
    assert!(start + PAGE <= section.end, "{section:?} has no whole page");
    start..start + PAGE
}

fn elf(file: &str, compile: &str, sections: &[(&str, &str)]) {
    if !has_tool("gcc") || !has_tool("readelf") {
        return;
    }
    let world = World::new();
    world.dir("d");
    let made = world.shell(&format!("set -e; {PROGRAM} {compile}"));
    assert_eq!(made.code(), Some(0), "{made}");
    let path = format!("d/{file}");
    let size = world.stat(&path).len();
    let ranges = sections.iter().map(|(name, weight)| (page_of(&section(&world, &path, name)), *weight, *name));
    let mut ranges: Vec<_> = ranges.collect();
    ranges.push((last(size), "damaged", "the section headers of an ELF file"));
    ranges.push(BEGINS);
    victims_in(&world, file, &ranges);
}

#[test]
fn a_program() {
    let sections = [
        (".text", "suspicious"),
        (".symtab", "damaged"),
        (".strtab", "damaged"),
        (".debug_info", "damaged"),
        (".debug_line", "damaged"),
    ];
    elf("program", "gcc -O1 -g x.c -o d/program", &sections);
}

#[test]
fn a_library() {
    let sections = [
        (".text", "suspicious"),
        (".dynsym", "damaged"),
        (".dynstr", "damaged"),
        (".gnu.hash", "damaged"),
        (".debug_info", "damaged"),
    ];
    elf("libx.so.1", "gcc -O1 -g -gz -shared -fPIC x.c -o d/libx.so.1", &sections);
}

#[test]
fn an_object() {
    let sections = [
        (".rela.text", "suspicious"),
        (".symtab", "damaged"),
        (".strtab", "damaged"),
        (".rela.debug_info", "suspicious"),
    ];
    elf("x.o", "gcc -O1 -g -c x.c -o d/x.o", &sections);
    // A section for each function: the table of sections has pages of its own, and what it describes has no page.
    elf("y.o", "gcc -O1 -ffunction-sections -c x.c -o d/y.o", &[(".symtab", "damaged"), (".strtab", "damaged")]);
}

/// Zeros in constants are sound, but for those that are records of ZFS and not a byte more.
#[test]
fn records_of_constants() {
    if !has_tool("gcc") {
        return;
    }
    let world = World::new();
    world.dir("d").random("bytes", 600_000, 3);
    let script = r#"printf '.section .rodata\n.incbin "bytes"\n' | gcc -c -x assembler -o part.o -
        printf '.globl _start\n_start: ret\n' | gcc -c -x assembler -o start.o - && gcc -nostdlib -o d/x start.o part.o"#;
    assert_eq!(world.shell(script).code(), Some(0));
    victims_in(
        &world,
        "x",
        &[
            (record(2), "unusual", "whole records in .rodata of an ELF file"),
            (RECORD..3 * RECORD, "unusual", ".rodata"),
        ],
    );
    zero(&world, "d/x", &page(60));
    finds_nothing(&world, "d");
}

#[test]
fn a_library_of_objects() {
    if !has_tool("gcc") || !has_tool("ar") {
        return;
    }
    let world = World::new();
    world.dir("d").random("noise", 20_000, 3);
    let made = world.shell(&format!("set -e; {PROGRAM} gcc -O1 -c x.c -o x.o; ar rcs d/x.a noise x.o x.o"));
    assert_eq!(made.code(), Some(0), "{made}");
    let names = section(&world, "x.o", ".strtab");
    let archive = fs::read(world.path("d/x.a")).expect("a file");
    let object = fs::read(world.path("x.o")).expect("a file");
    let start = archive.windows(4096).position(|bytes| bytes == &object[..4096]).expect("the member") as u64;
    let names = page_of(&(names.start + start..names.end + start));
    let index = page_of(&(68..30_000));
    victims_in(&world, "x.a", &[(names, "damaged", "member x.o: .strtab"), (index, "damaged", "the index"), BEGINS]);
    // The header of a member, wherever that lies in its page.
    let header = start - 60;
    victims_in(&world, "x.a", &[(page(header / PAGE), "damaged", "a member has no header")]);
}

#[test]
fn zip_archives() {
    if !has_tool("zip") {
        return left_out("needs zip");
    }
    let script = "head -c 200000 /dev/urandom >a; head -c 200000 /dev/zero >zeros; seq 300000 >text; zip -q -0 d/x.zip a zeros; zip -q d/x.zip text";
    let packed = "member text of a zip archive cannot be unpacked";
    let ranges = [
        (page(3), "damaged", "member a of a zip archive has another checksum"),
        (page(110), "damaged", packed),
        (RECORD * 4..RECORD * 5, "damaged", packed),
        BEGINS,
    ];
    victims("x.zip", script, &ranges);
}

#[test]
fn the_directory_of_a_zip_archive() {
    if !has_tool("zip") {
        return left_out("needs zip");
    }
    let world = World::new();
    let made = world
        .dir("d")
        .shell("mkdir m; for i in $(seq 900); do echo $i >m/a-member-with-a-name-$i; done; zip -q -r d/x.jar m");
    assert_eq!(made.code(), Some(0), "{made}");
    let size = world.stat("d/x.jar").len();
    let archive = fs::read(world.path("d/x.jar")).expect("a file");
    let directory = archive.windows(4).position(|word| word == b"PK\x01\x02").expect("a directory") as u64;
    let first = page_of(&(directory..size));
    let member = "of a zip archive";
    victims_in(
        &world,
        "x.jar",
        &[
            (first, "damaged", "the directory of a zip archive"),
            (last(size), "damaged", "the end of a zip archive is not there"),
            (page(5), "damaged", member),
        ],
    );
}

/// Python's zlib makes images that are plain, packed or as they are.
const IMAGE: &str = r#"
import os, struct, sys, zlib
def chunk(name, data):
    return struct.pack('>I', len(data)) + name + data + struct.pack('>I', zlib.crc32(name + data))
def image(pixels, level):
    rows = b''.join(b'\0' + pixels[i * 300:(i + 1) * 300] for i in range(300))
    head = chunk(b'IHDR', struct.pack('>IIBBBBB', 300, 300, 8, 0, 0, 0, 0))
    return b'\x89PNG\r\n\x1a\n' + head + chunk(b'IDAT', zlib.compress(rows, level)) + chunk(b'IEND', b'')
open('d/noise.png', 'wb').write(image(os.urandom(90000), 6))
open('d/plain.png', 'wb').write(image(bytes(90000), 0))
"#;

#[test]
fn png_images() {
    let script = format!("python3 - <<'END'\n{IMAGE}\nEND");
    let why = "the checksum of chunk IDAT of a PNG image does not fit";
    victims("noise.png", &script, &[(page(4), "damaged", why), (8 * PAGE..18 * PAGE, "damaged", why), BEGINS]);
    let world = World::new();
    assert_eq!(world.dir("d").shell(&script).code(), Some(0));
    let size = world.stat("d/noise.png").len();
    victims_in(&world, "noise.png", &[(last(size), "damaged", "PNG image")]);
    finds_nothing(&world, "d/plain.png");
}

#[test]
fn jpeg_images() {
    if !has_tool("cjpeg") {
        return left_out("needs cjpeg");
    }
    let world = World::new();
    let mut noise = b"P6 400 300 255\n".to_vec();
    noise.extend(random_bytes(360_000, 1));
    world.dir("d").file("noise", noise);
    let made = world.shell("set -e; cjpeg noise >d/x.jpg; cjpeg -progressive -quality 95 noise >d/y.jpg");
    assert_eq!(made.code(), Some(0), "{made}");
    let none = "what JPEG packs by these tables has none";
    victims_in(&world, "x.jpg", &[(page(4), "suspicious", none), (page(10), "suspicious", none), BEGINS]);
    victims_in(&world, "y.jpg", &[(page(4), "suspicious", none), (page(12), "suspicious", none)]);
}

/// Where an image's own tables code a plain area by zeros, they are sound, and said to be unusual.
#[test]
fn plain_jpeg_images() {
    if !has_tool("cjpeg") {
        return left_out("needs cjpeg");
    }
    let world = World::new();
    let plain = "(printf 'P5 8000 8000 255\\n'; head -c 64000000 /dev/zero)";
    let made =
        world.dir("d").shell(&format!("set -e; {plain} | cjpeg >d/usual.jpg; {plain} | cjpeg -optimize >d/own.jpg"));
    assert_eq!(made.code(), Some(0), "{made}");
    finds_nothing(&world, "d/usual.jpg");
    let scan = found(&world, "d/own.jpg");
    assert!(scan.stdout.starts_with("unusual: 'd/own.jpg'"), "{scan}");
}

/// A document with a packed stream, one of letters, and one that is zeros as it is; with zeros behind the end, as some servers
/// leave them.
const DOCUMENT: &str = r#"
import base64, os, zlib
noise = os.urandom(60000)
def stream(filter, data):
    return b'5 0 obj\n<< /Length %d %s >>\nstream\n' % (len(data), filter) + data + b'\nendstream\nendobj\n'
text = b'%PDF-1.4\n' + stream(b'/Filter /FlateDecode', zlib.compress(noise)) + stream(b'/Filter [ /ASCII85Decode /FlateDecode ]', base64.a85encode(noise))
text += stream(b'', bytes(60000)) + b''.join(b'%d 0 obj\n<< /Kind /Nothing >>\nendobj\n' % i for i in range(2000))
open('d/x.pdf', 'wb').write(text + b'startxref\n0\n%%EOF\n' + bytes(9000))
"#;

#[test]
fn pdf_documents() {
    let ranges = [
        (page(5), "damaged", "a stream of a PDF document cannot be unpacked"),
        (page(20), "damaged", "a stream of letters in a PDF document"),
        (page(55), "suspicious", "between the objects of a PDF document"),
        BEGINS,
    ];
    victims("x.pdf", &format!("python3 - <<'END'\n{DOCUMENT}\nEND"), &ranges);
}

#[test]
fn sqlite_databases() {
    if !has_tool("sqlite3") {
        return left_out("needs sqlite3");
    }
    let make = "create table t(a, b); with recursive n(i) as (select 1 union all select i + 1 from n where i < 9000) insert into t select i, hex(randomblob(60)) from n; create index i on t(b);";
    let page_size = |size: u32| format!("sqlite3 d/x.sqlite 'pragma page_size={size}; {make}'");
    let why = "of an SQLite database, which is not free";
    victims(
        "x.sqlite",
        &page_size(4096),
        &[(page(4), "suspicious", "page 5 of an"), (record(3), "suspicious", why), BEGINS],
    );
    victims("x.sqlite", &page_size(1024), &[(page(9), "suspicious", "page 37 of an")]);
    victims("x.sqlite", &page_size(16384), &[(16 * PAGE..20 * PAGE, "suspicious", "page 5 of an")]);
    // What was deleted leaves pages that are free, and with secure_delete all zeros.
    let world = World::new();
    let made = world
        .dir("d")
        .shell(&format!("set -e; {}; sqlite3 d/x.sqlite 'pragma secure_delete=1; delete from t;'", page_size(4096)));
    assert_eq!(made.code(), Some(0), "{made}");
    let bytes = fs::read(world.path("d/x.sqlite")).expect("a file");
    assert!(
        bytes.chunks(4096).any(|page| page.iter().all(|byte| *byte == 0)),
        "no page is free: this test shows nothing"
    );
    finds_nothing(&world, "d");
}

#[test]
fn git_repositories() {
    if !has_tool("git") {
        return left_out("needs git");
    }
    let world = World::new();
    world.dir("d").random("d/file", 100_000, 1);
    let commit = "git -c user.name=a -c user.email=a@b commit -qm x";
    let made = world.shell(&format!(
        "set -e; cd d; git init -q; for i in $(seq 900); do echo $i >$i; done; git add .; {commit}; git repack -qadf; head -c 90000 /dev/urandom >other; git add other; {commit}"
    ));
    assert_eq!(made.code(), Some(0), "{made}");
    finds_nothing(&world, "d");
    let pack = world.tool("find", ["d/.git", "-name", "*.pack"]);
    let index = world.tool("find", ["d/.git", "-name", "*.idx"]);
    let object = world.tool("find", ["d/.git/objects", "-size", "+80k", "-path", "*/??/*"]);
    let sealed = "a file of git does not have the digest at its end";
    for (path, number, why) in [
        (&pack, 10, sealed),
        (&index, 3, sealed),
        (&object, 9, "an object of git cannot be unpacked"),
        (&"d/.git/index".to_owned(), 4, sealed),
    ] {
        let path = path.trim();
        let name = path.strip_prefix("d/").expect("beneath d");
        victims_in(&world, name, &[(page(number), "damaged", why)]);
    }
    let name = object.trim().strip_prefix("d/").expect("beneath d");
    victims_in(&world, name, &[BEGINS]);
}

#[test]
fn files_of_nothing_but_zeros() {
    let world = World::new();
    world.dir("d/ab").sparse("d/disk.img", 1 << 20, &[]).sparse("d/data", 9000, &[(8192, b"x")]).file("d/empty.c", "");
    world.sparse("d/swap", 1 << 20, &[]).symlink("x.c", "d/link.c");
    finds_nothing(&world, "d");
    let names = ["x.c", "ab/0123456789abcdef0123456789abcdef012345", "libx.so.7", "y.JPG", "tool"];
    names.iter().for_each(|name| {
        world.sparse(&format!("d/{name}"), 700, &[]);
    });
    world.chmod("d/tool", 0o755).sparse("d/z.o", 3 * RECORD, &[(RECORD, b"\x01")]);
    let scan = found(&world, "d");
    for name in names {
        let line = format!("suspicious: 'd/{name}' (bytes 0 to 700 are zeros: there is nothing else in it)");
        assert!(scan.stdout.lines().any(|said| said == line), "{line}: {scan}");
    }
    assert!(scan.stdout.contains("suspicious: 'd/z.o' (bytes 0 to 131072 are zeros: its name wants"), "{scan}");
    assert_eq!(scan.stdout.lines().count(), names.len() + 1, "{scan}");
    assert!(scan.stderr.contains("of 10 files: 6 suspicious\n"), "{scan}");
}

#[test]
fn the_gravest_come_first() {
    let world = World::new();
    world.dir("d").random("bytes", 200_000, 1);
    let made = world.shell("gzip -c bytes >d/z.gz; xz -c bytes >d/b.xz; xz -c bytes >d/a.xz");
    assert_eq!(made.code(), Some(0), "{made}");
    ["z.gz", "b.xz", "a.xz"].iter().for_each(|name| zero(&world, &format!("d/{name}"), &page(3)));
    let scan = found(&world, "d");
    let names: Vec<&str> = scan.stdout.lines().filter_map(|line| line.split('\'').nth(1)).collect();
    assert_eq!(names, ["d/z.gz", "d/a.xz", "d/b.xz"], "{scan}");
}

/// A system of Debian's that lies somewhere else: dpkg's lists say what its files are.
#[test]
fn files_of_packages() {
    let world = World::new();
    world.dir("r/var/lib/dpkg/info").dir("r/usr/lib/p").symlink("usr/lib", "r/lib");
    let mut bytes = random_bytes(300_000, 1);
    bytes[8192..16384].fill(0);
    for name in ["kept", "lost", "moved", "other"] {
        world.file(format!("r/usr/lib/p/{name}"), &bytes);
    }
    let made = world.shell(
        "cd r; { md5sum usr/lib/p/kept usr/lib/p/moved; md5sum usr/lib/p/lost | sed 's: usr/: :'; } >var/lib/dpkg/info/p:amd64.md5sums
         printf '/usr/lib/p/moved\\n/usr/lib/p/moved.real\\nq\\n' >var/lib/dpkg/diversions",
    );
    assert_eq!(made.code(), Some(0), "{made}");
    finds_nothing(&world, "r");
    for name in ["lost", "moved", "other"] {
        zero(&world, &format!("r/usr/lib/p/{name}"), &record(1));
    }
    let line = "damaged: 'r/usr/lib/p/lost' (bytes 8192 to 16384 are zeros: package p:amd64 has another file)\n";
    assert_eq!(found(&world, "r").stdout, line);
    assert_eq!(found(&world, "r/lib").stdout, line.replace("r/usr/lib", "r/lib"), "by a link that was typed");
    world.file("r/usr/lib/p/kept", "other");
    let all = found(&world, "--all-sums r").stdout;
    assert_eq!(all, format!("damaged: 'r/usr/lib/p/kept' (package p:amd64 has another file)\n{line}"));
}

#[test]
fn what_cannot_be_read_is_told() {
    let world = World::new();
    world.dir("d/closed").file("d/file", "x").fifo("d/fifo").symlink("/etc", "d/link").symlink("file", "d/second");
    world.chmod("d/file", 0).chmod("d/closed", 0);
    let scan = world.cp_as_nobody("--scan d missing");
    assert_eq!(scan.code(), Some(1), "{scan}");
    for line in [
        "safecp: cannot open 'd/file' for reading: Permission denied",
        "safecp: cannot access 'd/closed': Permission denied",
        "safecp: cannot access 'missing': No such file or directory",
        "safecp: of 0 files: 3 that could not be read",
    ] {
        assert!(scan.stderr.lines().any(|said| said == line), "{line}: {scan}");
    }
    let usage = world.cp("--scan");
    assert_eq!(usage.code(), Some(1), "{usage}");
    assert_eq!(usage.stderr, "safecp: missing operand\nTry 'safecp --scan --help' for more information.\n");
}

#[test]
fn a_scan_changes_nothing() {
    let world = World::new();
    world.dir("d").sparse("d/x.c", 5000, &[]).random("d/y", 5000, 1).times("d/y", (5, 0), (6, 0));
    let before = world.tool("find", ["d", "-printf", "%p %i %T@ %C@ %s %m\n"]);
    found(&world, "d");
    assert_eq!(world.tool("find", ["d", "-printf", "%p %i %T@ %C@ %s %m\n"]), before);
}

/// A signal ends a scan within a file: the report of what was looked at before is whole, with its last line.
#[test]
fn a_signal_ends_a_scan_in_the_middle_of_a_file() {
    let world = World::new();
    world.dir("d").file("d/a", "small");
    // An archive of text that takes minutes to read.
    world.file("d/large", "!<arch>\n").tool("truncate", ["-s", "2T", "d/large"]);
    let script = "$safecp --scan --jobs=1 --report=report d & sleep 1; kill -TERM $!; wait $!; kill -l $?";
    let ended = world.shell(script);
    assert_eq!(ended.stdout.lines().last(), Some("TERM"), "{ended}");
    let report = world.read("report");
    assert!(
        report.ends_with("}\n") && report.lines().last().is_some_and(|line| line.contains("\"interrupted\"")),
        "{report}"
    );
}
