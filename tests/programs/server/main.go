// SPDX-License-Identifier: GPL-2.0-or-later

// A web server as others are, for what its packages bring along: it is not run, but looked at.
package main

import (
	"database/sql"
	"encoding/json"
	"encoding/xml"
	"html/template"
	"log"
	"net/http"
	"net/http/httputil"
	"net/http/pprof"
	"net/rpc"
	"net/url"
	"os"
)

var page = template.Must(template.New("page").Parse(`<title>{{.Title}}</title>{{range .Rows}}<p>{{.}}{{end}}`))

type answer struct {
	Title string
	Rows  []string
}

func rows(db *sql.DB, query string) (all []string, err error) {
	found, err := db.Query(query)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	for found.Next() {
		var row string
		if err := found.Scan(&row); err != nil {
			return nil, err
		}
		all = append(all, row)
	}
	return all, found.Err()
}

func main() {
	db, err := sql.Open(os.Args[1], os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	write := func(w http.ResponseWriter, r *http.Request) {
		all, err := rows(db, r.FormValue("query"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		data := answer{r.URL.Path, all}
		switch r.Header.Get("Accept") {
		case "application/json":
			err = json.NewEncoder(w).Encode(data)
		case "application/xml":
			err = xml.NewEncoder(w).Encode(data)
		default:
			err = page.Execute(w, data)
		}
		if err != nil {
			log.Print(err)
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/", write)
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.Handle("/rpc", rpc.NewServer())
	mux.Handle("/other/", httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "https", Host: os.Args[3]}))
	log.Fatal(http.ListenAndServeTLS(os.Args[4], "cert.pem", "key.pem", mux))
}
