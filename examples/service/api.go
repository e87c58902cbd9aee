// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

type api struct {
	store   *store
	log     *slog.Logger
	started time.Time
	served  atomic.Int64
}

type contextKey string

const requestIDKey contextKey = "request id"

// statusError is an error that a client may see.
type statusError struct {
	Status int
	Err    error
}

func (e *statusError) Error() string { return strconv.Itoa(e.Status) + ": " + e.Err.Error() }
func (e *statusError) Unwrap() error { return e.Err }

func newAPI(store *store, log *slog.Logger) *api {
	return &api{store: store, log: log, started: time.Now()}
}

func (a *api) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/user", a.handler(a.getUser))
	mux.Handle("/order", a.handler(a.postOrder))
	mux.Handle("/report", a.handler(a.getReport))
	return a.withRequestID(a.withLog(mux))
}

func (a *api) withRequestID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := fmt.Sprintf("req-%06d", a.served.Add(1))
		w.Header().Set("X-Request-Id", id)
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestIDKey, id)))
	})
}

func (a *api) withLog(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		next.ServeHTTP(w, r)
		a.log.Info("served", "method", r.Method, "path", r.URL.Path, "took", time.Since(start))
	})
}

// handler makes a http.Handler of a method that returns what is to be sent as JSON.
func (a *api) handler(serve func(ctx context.Context, r *http.Request) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
		defer cancel()
		answer, err := serve(ctx, r)
		if err != nil {
			a.fail(w, r, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(answer)
	})
}

//go:noinline
func (a *api) fail(w http.ResponseWriter, r *http.Request, err error) {
	status := http.StatusInternalServerError
	var known *statusError
	if errors.As(err, &known) {
		status = known.Status
	}
	a.log.Error("failed", "path", r.URL.Path, "error", err)
	http.Error(w, err.Error(), status)
}

func (a *api) getUser(ctx context.Context, r *http.Request) (any, error) {
	name := r.URL.Query().Get("name")
	user, err := a.store.user(ctx, name)
	if err != nil {
		return nil, &statusError{http.StatusNotFound, err}
	}
	return user, nil
}

func (a *api) postOrder(ctx context.Context, r *http.Request) (any, error) {
	var order Order
	if err := json.NewDecoder(r.Body).Decode(&order); err != nil {
		return nil, &statusError{http.StatusBadRequest, err}
	}
	id, err := a.store.addOrder(ctx, order)
	if err != nil {
		return nil, fmt.Errorf("order of %s: %w", order.User, err)
	}
	return map[string]int64{"id": id}, nil
}

func (a *api) getReport(ctx context.Context, r *http.Request) (any, error) {
	totals, err := a.store.totals(ctx)
	if err != nil {
		return nil, err
	}
	return totals, nil
}
