<?php

use Illuminate\Database\Migrations\Migration;
use Illuminate\Database\Schema\Blueprint;
use Illuminate\Support\Facades\Schema;

return new class extends Migration
{
    /**
     * The package brings this migration with it. A published copy has another date and finds the column there.
     */
    public function up(): void
    {
        if (Schema::hasColumn($this->table(), 'version')) {
            return;
        }

        Schema::table($this->table(), function (Blueprint $table) {
            // The schema version that the event states, also a field of the entry.
            $table->unsignedSmallInteger('version')->nullable();
        });
    }

    public function down(): void
    {
        Schema::dropColumns($this->table(), ['version']);
    }

    private function table(): string
    {
        return config('hms-sync.outbox.table', 'hms_sync_outbox');
    }
};
