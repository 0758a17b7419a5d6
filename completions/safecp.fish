complete -c safecp -l verify -d 'read every copy back: content (default), blake3, device, none' -r
complete -c safecp -l hints -d 'use what the kernel says of holes and shared blocks: auto (default), or never, and every byte is read' -r
complete -c safecp -l sync -d 'write out what replaces a file before it does: auto (default), or never, and a power loss can take both' -r
complete -c safecp -l jobs -d 'work on N files, or pieces of a large file, at once (default: one per processor; 1 with -v or -i)' -r
complete -c safecp -l manifest -d 'write down what was copied, to be checked later; without a target, what is there' -r -F
complete -c safecp -l manifest-format -d 'write it as mtree (default), b3sum or sha256sum has it' -r
complete -c safecp -l report -d 'write a line of JSON to FILE for each name, and one at the end; \'-\' is standard output' -r -F
complete -c safecp -l backup -d 'let an existing target keep a name of its own' -r
complete -c safecp -l preserve -d 'keep these attributes (default: mode,ownership,timestamps)' -r
complete -c safecp -l no-preserve -d 'do not keep these attributes' -r
complete -c safecp -l reflink -d 'share blocks with the source: auto (default), always, never' -r
complete -c safecp -l sparse -d 'make holes: auto (default), always, never' -r
complete -c safecp -s S -l suffix -d 'what the names of simple backups end in (default: ~)' -r
complete -c safecp -s t -l target-directory -d 'copy every operand into DIRECTORY' -r -f -a "(__fish_complete_directories)"
complete -c safecp -l update -d 'replace existing targets: all (default), none, none-fail, older' -r
complete -c safecp -l context -d 'the same, or the context CTX' -r
complete -c safecp -l as -d 'as the first argument: be cp, install or mv, with all that follows' -r
complete -c safecp -l against -d 'after --check: compare with the tree DIR, without a list' -r -f -a "(__fish_complete_directories)"
complete -c safecp -l from -d 'after --repair: take what is right from this copy; may be given several times' -r -f -a "(__fish_complete_directories)"
complete -c safecp -l allow -d 'after --guard: leave these calls alone: clones, offload, holes' -r
complete -c safecp -l try -d 'after --doctor: make copies in DIR and compare them' -r -f -a "(__fish_complete_directories)"
complete -c safecp -l in-place -d 'write into existing files rather than replace them whole'
complete -c safecp -l durable -d 'say success only of what a power loss cannot take back'
complete -c safecp -l require-stable -d 'fail for a source that changed while it was read'
complete -c safecp -l resume -d 'do not copy again what is there and holds the same bytes, whatever its times'
complete -c safecp -l summary -d 'say on standard error in the end what the run came to'
complete -c safecp -l progress -d 'show on standard error how far the run is, and --summary in the end'
complete -c safecp -s a -l archive -d 'recursively, keeping links as links and every attribute: -dR --preserve=all'
complete -c safecp -l attributes-only -d 'carry attributes over and leave content alone'
complete -c safecp -s b -d 'the same, with the kind of name left to VERSION_CONTROL'
complete -c safecp -l copy-contents -d 'read fifos and devices within a tree as if they were files'
complete -c safecp -l debug -d 'explain how a file is copied and why, with its digest; implies -v'
complete -c safecp -s d -d 'keep symbolic and hard links as what they are: -P --preserve=links'
complete -c safecp -s f -l force -d 'if an existing target cannot be opened, replace it by a new file'
complete -c safecp -s i -l interactive -d 'ask before a target is replaced'
complete -c safecp -s H -d 'follow symbolic links that are operands'
complete -c safecp -l keep-directory-symlink -d 'go into a target that is a symbolic link to a directory'
complete -c safecp -s l -l link -d 'make hard links to the sources, not copies of them'
complete -c safecp -s L -l dereference -d 'follow every symbolic link in the source'
complete -c safecp -s n -l no-clobber -d 'leave existing targets alone, and say nothing of it'
complete -c safecp -s P -l no-dereference -d 'follow no symbolic link in the source'
complete -c safecp -s p -d 'keep mode, owner and times: --preserve=mode,ownership,timestamps'
complete -c safecp -l parents -d 'recreate the path of each source beneath DIRECTORY'
complete -c safecp -s R -s r -l recursive -d 'copy directories with all that is in them'
complete -c safecp -l remove-destination -d 'replace each existing target by a new file, never write into it'
complete -c safecp -l strip-trailing-slashes -d 'take slashes off the end of each source'
complete -c safecp -s s -l symbolic-link -d 'make symbolic links to the sources, not copies of them'
complete -c safecp -s T -l no-target-directory -d 'take DEST for the new name itself, even if it is a directory'
complete -c safecp -s u -d 'replace only targets that are older: --update=older'
complete -c safecp -s v -l verbose -d 'name each file as it is copied'
complete -c safecp -s x -l one-file-system -d 'do not enter other filesystems'
complete -c safecp -s Z -d 'give targets the security context of the kernel\'s policy'
complete -c safecp -s h -l help -d 'print this help'
complete -c safecp -s V -l version -d 'print the version'
complete -c safecp -l guard -d 'as the first argument: run a command that can use no clone, no hole and no copy by the kernel'
complete -c safecp -l check -d 'as the first argument: compare a tree with a list of it, or with another tree'
complete -c safecp -l repair -d 'as the first argument: mend what is damaged or missing in a tree, from other copies of it'
complete -c safecp -l doctor -d 'as the first argument: tell whether programs of this machine can copy wrongly here'
complete -c safecp -l strict -d 'after --check: find also what is not listed, and directories with other times'
