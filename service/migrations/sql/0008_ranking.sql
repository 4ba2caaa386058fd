-- Which version of the rules of the order is at work: the newest row. A person chose it, or the settings did (NULL).
CREATE TABLE rank_choices (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    version text NOT NULL REFERENCES rank_configs,
    chosen_at timestamptz NOT NULL DEFAULT now(),
    chosen_by uuid REFERENCES principals,
    reason text NOT NULL DEFAULT ''
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON rank_choices FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER not_emptied BEFORE TRUNCATE ON rank_choices EXECUTE FUNCTION refuse_change();
