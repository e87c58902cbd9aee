# SPDX-License-Identifier: GPL-2.0-or-later
# Completion of gotrace for fish: commands, options and their values, Go processes, functions.
# Names from a program are only printed: fish quotes them for the quote that is open.

# Running processes whose executable carries Go's build ID note, within its first page.
function __gotrace_pids
	for exe in /proc/[0-9]*/exe
		if head -c 4096 $exe 2>/dev/null | LC_ALL=C grep -qaP '\x04\0\0\0Go\0\0'
			string match -r '\d+' -- $exe
		end
	end
end

# What the functions or types of a target that begin as the word does go on with. $argv[2]: --types, or nothing.
function __gotrace_names
	set -l gotrace (string replace -r '^~/' "$HOME/" -- (commandline -opc)[1])
	set -l typed
	for quote in '' \' \"
		set typed (string unescape -- (commandline -ct)$quote); and break
	end
	set -l not (string match -r '^!' -- $typed)
	set typed (string replace -r '^!' '' -- $typed)
	$gotrace complete $argv[2] -- $argv[1] "$typed" 2>/dev/null | head -n 2000 | string replace -r '^' "$not"
end

function __gotrace_words
	set -l words (commandline -opc)
	set -l gotrace (string replace -r '^~/' "$HOME/" -- $words[1])
	set -l command $words[2]
	set -l before $words[-1]
	set -l typed (commandline -ct)
	if not set -q words[2]
		printf '%s\n' attach run shell list types whatis info disassemble doctor replay count hist top bench \
			--help --version
		return
	end
	# A word after "--" belongs to the program that run starts.
	if contains -- $command run bench count hist top; and contains -- -- $words[3..]
		__fish_complete_path $typed
		return
	end
	set -l help ($gotrace $command --help 2>/dev/null)
	set -l with_value (string match -r -- '^ +(?:-[a-zA-Z], +)?--[a-z-]+=' $help | string match -ar -- '-+[a-z-]+|-[a-zA-Z]')
	set -l target
	for i in (seq 3 (count $words))
		if not string match -q -- '-*' $words[$i]; and not contains -- $words[(math $i - 1)] $with_value
			set target (string replace -r '^~/' "$HOME/" -- $words[$i])
			break
		end
	end

	switch $before
		case --format
			switch $command
				case attach run replay
					printf '%s\n' graph lines json
				case bench
					printf '%s\n' table benchfmt json
				case '*'
					printf '%s\n' text json
			end
		case --backend
			printf '%s\n' ebpf ptrace
		case --workload
			printf '%s\n' leaf typical delve server
		case --sort
			printf '%s\n' calls total p99
		case --timestamps
			printf '%s\n' none relative wall mono
		case --color
			printf '%s\n' auto always never
		case --within --caller
			test -n "$target" -a $command != run; and __gotrace_names $target
		case --output -o --save --svg --script -x
			__fish_complete_path $typed
		case $with_value
		case '*'
			if string match -q -- '-*' $typed
				string match -r -- '^ +(?:-[a-zA-Z], +)?(--[a-z-]+)' $help | string match -r -- '^--.*'
			else if test $command = replay
				__fish_complete_path $typed
			else if contains -- $command run bench
				return
			else if test -z "$target"
				__gotrace_pids
				contains -- $command attach shell count hist top; or __fish_complete_path $typed
			else if contains -- $command attach list info disassemble count hist top
				__gotrace_names $target
			else if contains -- $command types whatis
				__gotrace_names $target --types
			end
	end
end

complete -c gotrace -f -a '(__gotrace_words)'
