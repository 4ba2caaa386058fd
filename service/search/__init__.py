"""Search over cases: by words of many languages, parts of handles, ids, and everything else that tells one case from another."""
