// SPDX-License-Identifier: GPL-2.0-or-later
// SipHash-1-3 over whole words. Two different strings of the same length almost certainly have
// different hashes, even if an attacker who does not know the seed selects them. Compiled for the
// kernel and for user space.
#ifndef GOTRACE_BPF_ENGINE_HASH_H
#define GOTRACE_BPF_ENGINE_HASH_H

#include "bpf/wire.h"

struct hash {
	wire_u64 v[4];
};

static inline __attribute__((always_inline)) void hash_begin(struct hash *hash,
							     const wire_u64 *seed)
{
	hash->v[0] = seed[0] ^ 0x736f6d6570736575ull;
	hash->v[1] = seed[1] ^ 0x646f72616e646f6dull;
	hash->v[2] = seed[0] ^ 0x6c7967656e657261ull;
	hash->v[3] = seed[1] ^ 0x7465646279746573ull;
}

#define HASH_TURN(x, bits) ((x) << (bits) | (x) >> (64 - (bits)))

static inline __attribute__((always_inline)) void hash_round(struct hash *hash)
{
	wire_u64 a = hash->v[0], b = hash->v[1], c = hash->v[2], d = hash->v[3];
	a += b;
	c += d;
	b = HASH_TURN(b, 13) ^ a;
	d = HASH_TURN(d, 16) ^ c;
	a = HASH_TURN(a, 32) + d;
	c += b;
	d = HASH_TURN(d, 21) ^ a;
	b = HASH_TURN(b, 17) ^ c;
	c = HASH_TURN(c, 32);
	hash->v[0] = a;
	hash->v[1] = b;
	hash->v[2] = c;
	hash->v[3] = d;
}

#undef HASH_TURN

static inline __attribute__((always_inline)) void hash_word(struct hash *hash, wire_u64 word)
{
	hash->v[3] ^= word;
	hash_round(hash);
	hash->v[0] ^= word;
}

static inline __attribute__((always_inline)) wire_u64 hash_end(struct hash *hash)
{
	hash->v[2] ^= 0xff;
	hash_round(hash);
	hash_round(hash);
	hash_round(hash);
	return hash->v[0] ^ hash->v[1] ^ hash->v[2] ^ hash->v[3];
}

#endif
