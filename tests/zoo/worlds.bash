# What is copied, what stood at the target before, and the commands. To be sourced, within a sandbox.
#
# Both trees are made once, in archives, and unpacked wherever a case wants them, as far as that filesystem can hold them:
# the same twice, to the nanosecond.

# make_source DIRECTORY: a tree with everything in it, each kind of thing under a name of its own.
make_source() {
    mkdir -- "$1"
    cd -- "$1"
    make_files
    make_names
    make_links
    make_specials
    make_directories
    make_attributes
    make_folding
    date_source
}

date_source() {
    find . -depth -exec touch --no-dereference --date='2019-03-04 05:06:07.123456789' -- {} +
    touch --date='1995-01-02 03:04:05' -- small
    touch --date='@0' -- empty
    touch --date='2019-01-01 00:00:00.999999999' -- directories/open
}

make_files() {
    : >empty
    echo 'a line of text' >small
    head -c 300001 /dev/urandom >large
    head -c 100000 /dev/zero >zeros
    truncate -s 4M sparse
    printf middle | dd of=sparse bs=1 seek=2000000 conv=notrunc status=none
    truncate -s 3M hole
    mkdir modes
    local mode
    for mode in 000 200 222 400 444 600 640 755 1644 2755 4755 6711; do
        echo "$mode" >"modes/$mode"
        chmod "$mode" "modes/$mode"
    done
    mkdir owners
    for mode in 0:0 1:1 0:1 65534:65534 12345:54321; do
        echo "$mode" >"owners/${mode/:/-}"
        chmod 4750 "owners/${mode/:/-}"
        chown "$mode" "owners/${mode/:/-}"
        chmod 4750 "owners/${mode/:/-}"
    done
}

make_names() {
    mkdir names
    local name
    for name in 'two words' $'new\nline' $'in\xffvalid' "it's" -r .hidden 'end ' end. con 'a:b' '*' 'back\slash' 'b~' \
        $'\xc3\xa4' $'a\xcc\x88' .safecp-1 "$(printf 'n%.0s' {1..255})"; do
        echo "$name" >"names/$name"
    done
}

make_links() {
    mkdir links
    ln -s ../small links/file
    ln -s ../directories links/directory
    ln -s nowhere links/dangling
    ln -s /nowhere/else links/absolute
    ln -s two links/one
    ln -s one links/two
    ln -s "$(printf 'x/%.0s' {1..1000})" links/long
    mkdir hard hard/below
    echo hard >hard/1
    ln hard/1 hard/2
    ln hard/1 hard/below/3
    : >hard/empty
    ln hard/empty hard/empty-too
    ln -s 1 hard/link
    ln -P hard/link hard/link-too
}

make_specials() {
    mkdir special
    mkfifo -m 640 special/fifo
    mknod -m 660 special/null c 1 3
    mknod -m 600 special/block b 7 99
}

make_directories() {
    local name
    mkdir directories
    for name in empty open; do
        mkdir "directories/$name"
    done
    echo in >directories/open/file
    for name in 700 711 555 1777 2755; do
        mkdir "directories/$name"
        echo in >"directories/$name/file"
        chmod "$name" "directories/$name"
    done
    mkdir -p directories/deep/{a,b,c,d,e}/{f,g}/h/i/j
    echo down >directories/deep/a/f/h/i/j/file
}

make_attributes() {
    mkdir attributes
    cd attributes
    local name
    for name in user empty large trusted capability list mask directory default; do
        [[ $name == @(directory|default) ]] && mkdir "$name" || echo "$name" >"$name"
    done
    echo below >default/file
    setfattr -n user.one -v 1 user
    setfattr -n user.two -v $'\x01\xff' user
    setfattr -n user.empty empty
    setfattr -n user.large -v "$(printf 'v%.0s' {1..2000})" large
    setfattr -n trusted.one -v 1 trusted
    setcap cap_net_raw+ep capability
    setfacl -m user:1:rwx,group:2:r list
    chmod 600 mask
    setfacl -m user:1:rw,mask::r mask
    setfattr -n user.one -v 1 directory
    setfacl -m user:1:rx directory
    setfacl -d -m user:1:rwx,group:2:- default
    cd ..
}

# Names that are one name where a filesystem folds them: of files, directories, and a link and what it would lead to.
make_folding() {
    mkdir -p fold/{Tree,File} fold-too/{tree,file,link}
    echo first >fold/Name
    echo second >fold-too/name
    echo first >fold/Tree/one
    echo second >fold-too/tree/two
    ln -s small fold/Link
    echo second >fold-too/link/file
    echo first >fold/File/file
}

# make_old DIRECTORY: what an earlier copy might have left, and what people have done to it since.
make_old() {
    mkdir -- "$1"
    cd -- "$1"
    echo 'an older line' >small
    echo 'not empty' >empty
    head -c 500000 /dev/urandom >large
    chmod 600 large
    chown 1:1 large
    setfattr -n user.old -v old large
    head -c 5000000 /dev/urandom >sparse
    echo first >small~
    echo first >large.~1~
    echo only >extra
    mkdir modes names links linked directories attributes special owners
    local mode
    for mode in 000 400 444 600 4755; do
        echo "old $mode" >"modes/$mode"
        chmod "$mode" "modes/$mode"
    done
    echo old >owners/1-1
    chown 12345:54321 owners/1-1
    echo old >names/"$(printf 'n%.0s' {1..255})"
    mkdir 'names/two words'
    echo old >names/b
    # Of names that become one file, the first to come decides; these are named one after the other.
    echo old >linked/1
    echo other >linked/other
    ln linked/other linked/2
    ln -s other linked/link
    echo several >zeros
    ln zeros zeros-too
    ln -s ../small links/file
    ln -s elsewhere links/dangling
    echo file >links/absolute
    mkdir directories/{700,1777}
    chmod 755 directories/700
    echo old >directories/1777/file
    chown 1:1 directories/1777/file
    chmod 1777 directories/1777
    echo file >directories/empty
    echo old >attributes/list
    setfacl -m user:3:rwx attributes/list
    echo old >attributes/user
    setfattr -n user.one -v old attributes/user
    echo file >special/fifo
    date_old
}

date_old() {
    find . -depth -exec touch --no-dereference --date='2012-11-10 09:08:07.5' -- {} +
    # Newer than the source's.
    touch --date='2024-01-01' -- modes/444 linked/1
}

# Each command: a name, what stands at the target (nothing, a directory, an older copy), and the words after the program. @S is
# the source's directory and @T the target. Names begin with the program, where that is not cp.
commands=(
    'r            nothing    -r @S @T'
    'r-verbose    nothing    -rv @S @T'
    'R-modes      nothing    -r --preserve=mode @S @T'
    'archive      nothing    -a @S @T'
    'archive-v    nothing    -av @S @T'
    'p            nothing    -rp @S @T'
    'all          nothing    -r --preserve=all @S @T'
    'no-times     nothing    -a --no-preserve=timestamps @S @T'
    'xattrs       nothing    -r --preserve=xattr @S @T'
    'L            nothing    -rL @S/links @S/small @S/hard @T'
    'H            nothing    -rH @S @T'
    'd            nothing    -rd @S @T'
    'links        nothing    -rl @S @T'
    'symlinks     nothing    -rs @S @T'
    'sparse       nothing    -r --sparse=always @S @T'
    'dense        nothing    -r --sparse=never @S @T'
    'no-clone     nothing    -a --reflink=never @S @T'
    'clone        nothing    -r --reflink=always @S/small @S/large @T'
    'attributes   nothing    -a --attributes-only @S @T'
    'x            nothing    -ax @S @T'
    'T            directory  -aT @S @T'
    'dot          directory  -a @S/. @T'
    'files        directory  @S/small @S/large @S/empty @S/sparse @S/hole @S/zeros @S/modes/444 @T'
    'files-p      directory  -p @S/small @S/large @S/empty @S/sparse @S/attributes/list @S/owners/12345-54321 @T'
    'files-t      directory  -p -t @T @S/modes/600 @S/modes/4755 @S/hard/1 @S/hard/2'
    'one          directory  @S/large @T/one'
    'parents      directory  -r --parents @S/directories/deep @S/hard/1 @T'
    'parents-p    directory  -a --parents @S/directories/deep/a @S/owners/1-1 @T'
    'fold         directory  -a @S/fold/Name @S/fold-too/name @S/small @T'
    'fold-trees   directory  -a @S/fold/Tree @S/fold-too/tree @T'
    'fold-link    directory  -a @S/fold/Link @S/fold-too/link @T'
    'fold-kinds   directory  -a @S/fold/Name @S/fold-too/name @S/fold/File @S/fold-too/file @T'
    'same-names   directory  @S/small @S/names/end. @S/./small @T'
    'not-there    directory  -r @S/nothing @S/small @T/ @T'
    'a-slash      directory  @S/small @T/new/'
    'over         older      -rT @S @T'
    'over-a       older      -aT @S @T'
    'over-v       older      -avT @S @T'
    'over-p       older      -rpT @S @T'
    'over-f       older      -rfT @S @T'
    'over-i       older      -riT @S @T'
    'over-u       older      -auT @S @T'
    'over-n       older      -anT @S @T'
    'over-none    older      -aT --update=none-fail @S @T'
    'over-remove  older      -aT --remove-destination @S @T'
    'over-b       older      -abT @S @T'
    'over-number  older      -aT --backup=numbered @S @T'
    'over-exist   older      -avT --backup=existing @S @T'
    'over-suffix  older      -rbT -S .orig @S @T'
    'over-l       older      -rlT @S @T'
    'over-lf      older      -rlfT @S @T'
    'over-s       older      -rsT @S @T'
    'over-sf      older      -rsfT @S @T'
    'over-lb      older      -rlbT @S @T'
    'over-sb      older      -rsbT @S @T'
    'over-sparse  older      -rT --sparse=always @S @T'
    'over-only    older      -aT --attributes-only @S @T'
    'over-links   older      -aT --keep-directory-symlink @S @T'
    'over-hard    older      -a @S/hard/1 @S/hard/2 @S/hard/link @S/hard/link-too @T/linked'
    'over-hard-u  older      -au @S/hard/1 @S/hard/2 @S/hard/link @S/hard/link-too @T/linked'
    'over-hard-b  older      -abv @S/hard/2 @S/hard/1 @S/hard/link @S/hard/link-too @T/linked'
    'over-hard-o  older      -a --attributes-only @S/hard/1 @S/hard/2 @S/hard/link @S/hard/link-too @T/linked'
    'over-hard-l  older      -lf @S/hard/1 @S/hard/2 @S/hard/link @T/linked'
    'over-hard-r  older      -av --remove-destination @S/hard/1 @S/hard/2 @S/hard/link @T/linked'
    'over-strip   older      -rT --strip-trailing-slashes @S/ @T/'
    'install:files       directory  @S/small @S/large @S/empty @S/sparse @S/hole @S/zeros @S/modes/444 @T'
    'install:mode        directory  -m 640 @S/small @S/large @S/empty @S/attributes/list @S/owners/12345-54321 @T'
    'install:words       directory  -v -m u=rwx,g=s,o= @S/modes/755 @S/modes/4755 @S/names/end. @T'
    'install:times       directory  -p -m 644 @S/small @S/empty @S/attributes/user @S/attributes/capability @T'
    'install:owner       directory  -o 12345 -g 54321 -m 4750 @S/small @S/owners/1-1 @T'
    'install:links       directory  @S/links/file @S/hard/1 @S/hard/2 @S/hard/link @S/links/dangling @S/links/directory @T'
    'install:names       directory  -v @S/names/b~ @S/names/.hidden @S/names/a:b @S/names/con @S/names/.safecp-1 @T'
    'install:null        directory  @S/special/null @S/small @T'
    'install:directories nothing    -d -v -m 2750 @T/one/two/three @T/four'
    'install:there       older      -d -m 700 @T/directories @T/links @T/small @T/new'
    'install:leading     nothing    -D -v -m 600 @S/small @T/one/two/small'
    'install:leading-t   nothing    -D -t @T/one/two @S/small @S/large'
    'install:itself      directory  -T @S/small @T'
    'install:one         directory  -T -m 755 @S/large @T/one'
    'install:fold        directory  @S/fold/Name @S/fold-too/name @S/small @T'
    'install:not-there   directory  @S/nothing @S/small @T/ @T'
    'install:a-slash     directory  @S/small @T/new/'
    'install:over        older      -m 644 @S/small @S/empty @S/large @S/sparse @S/zeros @T'
    'install:over-v      older      -v -t @T/modes @S/modes/000 @S/modes/400 @S/modes/444 @S/modes/600 @S/modes/4755'
    'install:over-p      older      -p -t @T/attributes @S/attributes/list @S/attributes/user'
    'install:over-b      older      -b @S/small @S/large @S/zeros @T'
    'install:over-number older      --backup=numbered @S/small @S/large @S/zeros @T'
    'install:over-exist  older      -v --backup=existing @S/small @S/large @S/zeros @T'
    'install:over-suffix older      -S .orig @S/small @S/large @S/zeros @T'
    'install:compare     older      -C -v -m 644 @S/small @S/large @S/zeros @T'
    'install:over-links  older      -t @T/links @S/links/file @S/small @S/links/absolute'
    'install:over-hard   older      -m 600 @S/hard/1 @S/hard/2 @S/hard/link @T/linked'
    'install:over-kinds  older      -T @S/small @T/directories'
    'install:over-fifo   older      -T @S/small @T/special/fifo'
    'mv:tree             nothing    @S @T'
    'mv:tree-v           nothing    -v @S @T'
    'mv:into             directory  @S @T'
    'mv:itself           directory  -T @S @T'
    'mv:not-empty        older      -T @S @T'
    'mv:files            directory  @S/small @S/large @S/empty @S/sparse @S/hole @S/zeros @S/modes/444 @T'
    'mv:files-v          directory  -v @S/modes/4755 @S/modes/2755 @S/owners/12345-54321 @S/attributes/capability @T'
    'mv:attributes       directory  @S/attributes/list @S/attributes/user @S/attributes/large @S/attributes/default @T'
    'mv:hard             directory  @S/hard/1 @S/hard/2 @S/hard/link @S/hard/link-too @T'
    'mv:hard-tree        directory  @S/hard @S/links @T'
    'mv:kinds            directory  @S/links/file @S/links/dangling @S/special @S/directories/open @T'
    'mv:directories      directory  -v @S/directories/555 @S/directories/1777 @S/directories/deep @T'
    'mv:names            directory  @S/names @T'
    'mv:one              directory  -T @S/large @T/one'
    'mv:fold             directory  @S/fold/Name @S/fold-too/name @T'
    'mv:fold-kinds       directory  @S/fold/Name @S/fold/File @S/fold-too/file @T'
    'mv:other-case       older      -T @T/small @T/SMALL'
    'mv:not-there        directory  @S/nothing @S/small @T/ @T'
    'mv:a-slash          directory  @S/small @T/new/'
    'mv:slashes          directory  --strip-trailing-slashes @S/directories/ @S/links/directory/ @T'
    'mv:no-copy          directory  --no-copy @S/small @S/directories @T'
    'mv:exchange         older      --exchange -T @S/small @T/small'
    'mv:over             older      @S/small @S/large @S/empty @S/sparse @S/zeros @T'
    'mv:over-f           older      -f -t @T/modes @S/modes/000 @S/modes/400 @S/modes/444 @S/modes/4755'
    'mv:over-i           older      -i -t @T/modes @S/modes/000 @S/modes/400 @S/modes/444'
    'mv:over-n           older      -n -v @S/small @S/large @S/hole @T'
    'mv:over-none        older      --update=none-fail @S/small @S/large @S/hole @T'
    'mv:over-u           older      -u -v -t @T/modes @S/modes/000 @S/modes/400 @S/modes/444'
    'mv:over-b           older      -b -v @S/small @S/large @S/zeros @T'
    'mv:over-number      older      --backup=numbered @S/small @S/large @S/zeros @T'
    'mv:over-suffix      older      -b -S .orig @S/small @S/directories @S/links @T'
    'mv:over-links       older      -t @T/links @S/links/file @S/links/dangling @S/links/absolute'
    'mv:over-hard        older      @S/hard/1 @S/hard/2 @S/hard/link @T/linked'
    'mv:over-kinds       older      @S/directories @S/small @T/names'
    'mv:over-directory   older      -T @S/directories/open @T/links'
    'mv:over-empty       older      -T -v @S/directories/open @T/directories/700'
)
