module main

go 1.20
