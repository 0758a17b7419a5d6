complete -c safecp -l backup -d 'give each existing target a backup name' -r
complete -c safecp -l preserve -d 'preserve the specified attributes' -r
complete -c safecp -l no-preserve -d 'do not preserve the specified attributes' -r
complete -c safecp -l reflink -d 'share blocks with the source: auto (default), always, never' -r
complete -c safecp -l sparse -d 'make holes: auto (default), always, never' -r
complete -c safecp -s S -l suffix -d 'override the usual backup suffix' -r
complete -c safecp -s t -l target-directory -d 'copy all SOURCE arguments into DIRECTORY' -r -f -a "(__fish_complete_directories)"
complete -c safecp -l update -d 'replace existing targets: all (default), none, none-fail, older' -r
complete -c safecp -l context -d 'like -Z, or set the security context to CTX' -r
complete -c safecp -l verify -d 'read every copy back: content (default), device, none' -r
complete -c safecp -l jobs -d 'work on N files, or pieces of a large file, at once (default: one per processor; 1 with -v or -i)' -r
complete -c safecp -s a -l archive -d 'same as -dR --preserve=all'
complete -c safecp -l attributes-only -d 'copy no content, just the attributes'
complete -c safecp -s b -d 'like --backup but does not accept an argument'
complete -c safecp -l copy-contents -d 'copy contents of special files when recursive'
complete -c safecp -l debug -d 'explain how a file is copied and why, with its digest; implies -v'
complete -c safecp -s d -d 'same as --no-dereference --preserve=links'
complete -c safecp -s f -l force -d 'if an existing target cannot be opened, replace it by a new file'
complete -c safecp -s i -l interactive -d 'prompt before overwrite'
complete -c safecp -s H -d 'follow symbolic links named as SOURCE'
complete -c safecp -l keep-directory-symlink -d 'follow existing symbolic links to directories in the target'
complete -c safecp -s l -l link -d 'hard link files instead of copying'
complete -c safecp -s L -l dereference -d 'always follow symbolic links in SOURCE'
complete -c safecp -s n -l no-clobber -d 'silently skip existing targets'
complete -c safecp -s P -l no-dereference -d 'never follow symbolic links in SOURCE'
complete -c safecp -s p -d 'same as --preserve=mode,ownership,timestamps'
complete -c safecp -l parents -d 'use full source file name under DIRECTORY'
complete -c safecp -s R -s r -l recursive -d 'copy directories recursively'
complete -c safecp -l remove-destination -d 'replace each existing target by a new file, never write into it'
complete -c safecp -l strip-trailing-slashes -d 'remove any trailing slashes from each SOURCE argument'
complete -c safecp -s s -l symbolic-link -d 'make symbolic links instead of copying'
complete -c safecp -s T -l no-target-directory -d 'treat DEST as a normal file'
complete -c safecp -s u -d 'same as --update=older'
complete -c safecp -s v -l verbose -d 'explain what is being done'
complete -c safecp -s x -l one-file-system -d 'stay on this file system'
complete -c safecp -s Z -d 'set the security context of targets to the default type'
complete -c safecp -l in-place -d 'write into existing files rather than replace them whole'
complete -c safecp -l durable -d 'say success only of what a power loss cannot take back'
complete -c safecp -l require-stable -d 'fail for a source that changed while it was read'
complete -c safecp -l help -d 'display this help and exit'
complete -c safecp -l version -d 'output version information and exit'
