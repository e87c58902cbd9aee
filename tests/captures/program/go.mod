module gotrace/captures

go 1.15
