#compdef gotrace
# SPDX-License-Identifier: GPL-2.0-or-later
# Completion of gotrace for zsh: commands, options and their values, Go processes, functions. Installed as _gotrace.
# Names from a program are only given to compadd, which quotes them for the quote that is open.

# Running processes whose executable carries Go's build ID note, within its first page.
_gotrace_pids() {
	local exe
	local -a pids
	for exe in /proc/[0-9]*/exe(N); do
		head -c 4096 $exe 2>/dev/null | LC_ALL=C grep -qaP '\x04\0\0\0Go\0\0' && pids+=${${exe#/proc/}%/exe}
	done
	compadd -- $pids
}

# What the functions or types of a target that begin as the word does go on with. $2: --types, or nothing.
_gotrace_names() {
	local typed name
	local -a more whole
	compset -P '(\\|)!'
	typed=${(Q):-$compstate[quote]$PREFIX$compstate[quote]}
	for name in ${(f)"$("$gotrace" complete $2 -- "$1" "$typed" 2>/dev/null | head -n 2000)"}; do
		if [[ $name == *[./] ]]; then more+=("$name"); else whole+=("$name"); fi
	done
	compadd -S '' -a more
	compadd -a whole
}

_gotrace() {
	local gotrace=${(Q)words[1]/#\~\//$HOME/} command=$words[2] before=$words[CURRENT-1] target= line i
	local -a options with_value formats
	if ((CURRENT == 2)); then
		compadd -- attach run shell list types whatis info disassemble doctor replay count hist top bench \
			--help --version
		return
	fi
	# A word after "--" belongs to the program that run starts.
	if [[ $command == (run|bench|count|hist|top) ]] && ((${words[(Ie)--]} && ${words[(Ie)--]} < CURRENT)); then
		_default
		return
	fi
	for line in ${(f)"$("$gotrace" $command --help 2>/dev/null)"}; do
		[[ $line =~ '^ +(-([a-zA-Z]), +)?(--[a-z-]+)(=?)' ]] || continue
		options+=$match[3]
		[[ $match[4] ]] && with_value+=($match[3] ${match[2]:+-$match[2]})
	done
	for ((i = 3; i < CURRENT; i++)); do
		[[ $words[i] == -* ]] || ((${with_value[(Ie)$words[i-1]]})) && continue
		target=${(Q)words[i]/#\~\//$HOME/}
		break
	done

	case $before in
	--format)
		case $command in
		attach|run|replay) formats=(graph lines json) ;;
		bench) formats=(table benchfmt json) ;;
		*) formats=(text json) ;;
		esac
		compadd -a formats
		;;
	--backend) compadd ebpf ptrace ;;
	--workload) compadd leaf typical delve server ;;
	--sort) compadd calls total p99 ;;
	--timestamps) compadd none relative wall mono ;;
	--color) compadd auto always never ;;
	--within|--caller) [[ $target && $command != run ]] && _gotrace_names "$target" ;;
	--output|-o|--save|--svg|--script|-x) _files ;;
	*)
		if ((${with_value[(Ie)$before]})); then
			return
		elif [[ $PREFIX == -* ]]; then
			compadd -a -- options
		elif [[ $command == replay ]]; then
			_files
		elif [[ $command == (run|bench) ]]; then
			return
		elif [[ ! $target ]]; then
			_gotrace_pids
			[[ $command == (attach|shell|count|hist|top) ]] || _files
		elif [[ $command == (attach|list|info|disassemble|count|hist|top) ]]; then
			_gotrace_names "$target"
		elif [[ $command == (types|whatis) ]]; then
			_gotrace_names "$target" --types
		fi
		;;
	esac
}

_gotrace "$@"
