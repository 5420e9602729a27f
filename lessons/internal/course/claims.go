package course

import "spindle/lessons/internal/article"

// Claim is one statement of the article that the course puts to the test.
type Claim = article.Claim

// Claims lists the article's claims in its own order.
func Claims() []Claim { return article.Claims() }

// IsClaim tells whether id is a claim's.
func IsClaim(id string) bool { return article.IsClaim(id) }
