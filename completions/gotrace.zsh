#compdef gotrace
# SPDX-License-Identifier: GPL-2.0-or-later
# Completion of gotrace for zsh, installed as _gotrace. "gotrace complete" knows what a command line can go on with; it is
# only given to compadd, which quotes it for the quote that is open.

_gotrace() {
	local gotrace=${(Q)words[1]/#\~\//$HOME/} typed line not
	local -a before more whole
	before=("${(@Q)${(@)words[2,CURRENT-1]/#\~\//$HOME/}}")
	compset -P '(\\|)!' && not=!
	typed=${(Q):-$compstate[quote]$PREFIX$compstate[quote]}
	for line in ${(f)"$("$gotrace" complete -- "${before[@]}" "$not$typed" 2>/dev/null)"}; do
		if [[ $line == / ]]; then
			_files
		elif [[ $line == *[./] ]]; then
			more+=("${line#$not}")
		else
			whole+=("${line#$not}")
		fi
	done
	compadd -S '' -a -- more
	compadd -a -- whole
}

_gotrace "$@"
