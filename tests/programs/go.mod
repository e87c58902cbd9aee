module programs

go 1.15
