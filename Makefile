# Installs what `cargo build --release` has built: the program, its manual pages, and completions for three shells.
#
#     make                         builds
#     make install PREFIX=/usr     installs under PREFIX (default: /usr/local), within DESTDIR if that is set
#     make uninstall PREFIX=/usr   removes what install has installed
#
# No link named cp, install or mv is made: the place in front of the system's own is yours to choose.

PREFIX ?= /usr/local
DESTDIR ?=
bindir = $(DESTDIR)$(PREFIX)/bin
mandir = $(DESTDIR)$(PREFIX)/share/man/man1
bashdir = $(DESTDIR)$(PREFIX)/share/bash-completion/completions
zshdir = $(DESTDIR)$(PREFIX)/share/zsh/site-functions
fishdir = $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
pages = $(wildcard man/*.1)

target/release/safecp: $(shell find src -name '*.rs') Cargo.toml Cargo.lock
	cargo build --release --locked

install: target/release/safecp
	install -d $(bindir) $(mandir) $(bashdir) $(zshdir) $(fishdir)
	install -m 755 target/release/safecp $(bindir)/safecp
	install -m 644 $(pages) $(mandir)
	install -m 644 completions/safecp.bash $(bashdir)/safecp
	install -m 644 completions/_safecp $(zshdir)/_safecp
	install -m 644 completions/safecp.fish $(fishdir)/safecp.fish

uninstall:
	rm -f $(bindir)/safecp $(bashdir)/safecp $(zshdir)/_safecp $(fishdir)/safecp.fish
	rm -f $(addprefix $(mandir)/,$(notdir $(pages)))

.PHONY: install uninstall
