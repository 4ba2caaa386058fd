-- The language in which a person wants to use the console; null is the one that their browser asks for.
ALTER TABLE principals ADD COLUMN interface_language text;
