package main

import (
	"testing"

	"befree.example/store"
	"befree.example/store/desk"
)

// Whatever a person decides about keeping or showing words is in the audit.
func TestAuditHasWhatPeopleDecide(t *testing.T) {
	for _, kind := range []store.Kind{
		desk.ForgetAsked, desk.ForgetApproved, desk.HoldSet, desk.HoldLifted, desk.ExportAsked, desk.ExportApproved, desk.Exported,
	} {
		a, ok := actOf(store.Event{Seq: 7, Actor: "sue", Kind: kind, Conversation: "c1", Body: []byte(`{"reason":"because"}`)})
		if !ok || a.Who != "sue" || a.Conversation != "c1" || a.Why != "because" {
			t.Errorf("%s: %+v, %t", kind, a, ok)
		}
	}
	if a, ok := actOf(store.Event{Seq: 7, Actor: "sue", Kind: desk.Searched, Body: []byte(`{"words":"river"}`)}); !ok || a.Words.Reveal() != "river" {
		t.Errorf("%s: %+v, %t", desk.Searched, a, ok)
	}
	if a, ok := actOf(store.Event{Seq: 7, Actor: "sue", Kind: desk.RetentionAllowed}); !ok || a.Who != "sue" {
		t.Errorf("%s: %+v, %t", desk.RetentionAllowed, a, ok)
	}
}
