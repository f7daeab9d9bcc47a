<?php

use Illuminate\Database\Migrations\Migration;
use Illuminate\Database\Schema\Blueprint;
use Illuminate\Support\Facades\Schema;

return new class extends Migration
{
    /**
     * The package brings this migration with it. A published copy has another date and finds the table there.
     */
    public function up(): void
    {
        if (Schema::hasTable($this->table())) {
            return;
        }

        Schema::create($this->table(), function (Blueprint $table) {
            // SHA-256 of consumer, topic, source and id.
            $table->char('digest', 64)->primary();
            $table->string('consumer');
            $table->string('topic');
            $table->string('source');
            $table->string('event_id');

            // Both in UTC. hms-sync:prune-inbox deletes a row when both are over.
            $table->dateTime('handled_at')->index();
            $table->dateTime('replayable_until');
        });
    }

    public function down(): void
    {
        Schema::dropIfExists($this->table());
    }

    /**
     * It must be on the connection that the listeners write to.
     */
    public function getConnection(): ?string
    {
        return config('hms-sync.inbox.connection');
    }

    private function table(): string
    {
        return config('hms-sync.inbox.table', 'hms_sync_inbox');
    }
};
